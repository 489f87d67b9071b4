"""Power analysers: recorded traces and the energy between two edges."""
