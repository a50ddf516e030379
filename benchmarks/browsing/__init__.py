"""Run the review server and a browser on it, for benchmarks, tests and pictures of the page."""
