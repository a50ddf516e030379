"""One case and one network: probabilities, masks, preview."""
