"""Boards: what a device under test says on its serial line."""
