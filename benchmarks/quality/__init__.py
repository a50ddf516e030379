"""How good are networks, honestly? What `starter_quality.py` is made of."""
