"""Measure the statements of the ledger, and simulate many workers that share it."""
