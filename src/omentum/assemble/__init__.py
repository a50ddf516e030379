"""Assemble original, revised and predicted masks into releases, with the lineage of every mask."""
