"""From submissions to the leaderboard: tables, figures, pages, and the site that holds them.

Reads results; never measures. Needs the extra ``site``.
"""
