"""The review server: thin routes over the review of a project."""
