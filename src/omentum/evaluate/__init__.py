"""Evaluation: predictions compared with reference masks, new networks judged, the report of a round."""
