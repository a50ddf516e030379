"""The open project: its settings, its paths, and which mask stands."""
