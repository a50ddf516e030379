"""Disturb programs that share a project, for benchmarks and tests of what they leave."""
