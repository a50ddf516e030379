"""Is it what a patient can look like? Rules that name the organs whose masks cannot be right."""
