"""What MLPerf Tiny publishes, read as facts: logs of both runners, printed results, traces, labels.

Nothing in here judges: no reader knows how long a window has to be. What a file does not show is None.
"""
