"""Let many readers work at once on one review server, for benchmarks of it."""
