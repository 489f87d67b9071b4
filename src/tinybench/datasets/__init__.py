"""Data sets: fetched, imported, verified, and turned into the samples of a task."""
