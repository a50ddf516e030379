"""Releases, in the layouts and formats that other programs read."""
