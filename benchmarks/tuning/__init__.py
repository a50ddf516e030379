"""What do the papers' experiments on tuning give here? Parts of continual_vs_full.py and new_organs.py."""
