"""Probabilities to attention maps and the ranked queue: where an expert should look first."""
