"""What do strategies gain over real rounds? Sites, rounds and figures of benchmarks/real_rounds.py."""
