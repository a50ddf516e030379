"""What do revised masks gain, and what do they take? Parts of learning_curve.py."""
