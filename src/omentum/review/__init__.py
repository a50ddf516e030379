"""Review of predictions by readers: claim, show, hand in, decide."""
