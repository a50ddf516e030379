"""Predict cases with networks: probabilities, masks, previews."""
