"""Plausibility rules: which masks of a patient cannot be right."""
