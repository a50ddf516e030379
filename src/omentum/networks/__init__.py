"""Networks by name: trunk and heads, weights, and the one sliding-window forward."""
