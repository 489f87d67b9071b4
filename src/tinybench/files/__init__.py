"""Files that are fetched, hashed and kept, and files of strangers that are read within bounds."""
