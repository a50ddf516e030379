"""Post-processing: what is an organ and what a network's slip, by named rules; no torch."""
