"""A scripted reader of the review page, who sees the truth."""
