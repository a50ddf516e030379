"""Where work runs: one interface, whatever does the work."""
