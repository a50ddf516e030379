"""Settings, losses, what is frozen, what is replayed, the training loop, checkpoints."""
