"""Bring data sets into a project, and export releases."""
