"""Pages about the code that are written from it: the Python API, and the fields of documents."""
