"""Cohorts with true labels on which attention is fitted and judged."""
