"""Rounds compared: agreement with what people drew, and the report that shows it."""
