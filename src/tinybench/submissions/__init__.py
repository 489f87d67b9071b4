"""Submissions: folders of data that a pull request adds, the rules they are held to, and what was found.

Readers give facts, rules judge them, ``tinybench.cli`` prints; nothing here executes what a submission holds.
"""
