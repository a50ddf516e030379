"""Post-process masks by named rules; no torch."""
