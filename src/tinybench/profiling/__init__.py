"""Where the cycles of one inference go: by layer, and by function of the firmware."""
