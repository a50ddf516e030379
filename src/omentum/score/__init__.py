"""Scoring: from probabilities to attention maps and the ranked queue of a round."""
