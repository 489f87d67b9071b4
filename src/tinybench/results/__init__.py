"""Results: the one JSON per measurement, and where it is kept."""
