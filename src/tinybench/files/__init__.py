"""Files that are fetched, hashed and kept: what data sets and models have in common."""
