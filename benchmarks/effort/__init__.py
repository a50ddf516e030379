"""What does an expert's minute remove? Cohorts, readers and pages of benchmarks/effort_curve.py."""
