"""Synthetic abdominal CTs with true labels, from an anatomy made of formulas: demo, training, tests."""
