"""Shells with no decisions: the command line and the demonstration."""
