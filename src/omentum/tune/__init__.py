"""Tune networks on revisions: heads only, or in full."""
