"""What others published, in our schema: the facts normalised, the original texts kept, nothing made up."""
