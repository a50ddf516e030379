"""Exact limits of a proportion, from a number of hits among independent tries."""

__all__ = ["exact_interval", "upper_limit"]


def upper_limit(n_hits: int, n_tries: int, *, risk: float) -> float:
    """Bound a proportion from above.

    Args:
        n_hits: Hits among the tries.
        n_tries: Independent tries.
        risk: Chance, before the tries, that the limit will be below the truth.

    Returns:
        The limit; 1.0 without tries.

    Source:
        Clopper & Pearson 1934, Biometrika 26:404.

    Example:
        >>> round(upper_limit(0, 59, risk=0.05), 3), upper_limit(0, 0, risk=0.05)
        (0.05, 1.0)
    """
    if n_hits >= n_tries:
        return 1.0
    from scipy import special  # slow to import, and most commands never need it

    return float(special.betaincinv(n_hits + 1, n_tries - n_hits, 1.0 - risk))


def exact_interval(n_hits: int, n_tries: int, *, risk: float = 0.05) -> tuple[float, float]:
    """Bound a proportion from both sides, half of the risk on each (Clopper & Pearson).

    Example:
        >>> low, high = exact_interval(1, 10)
        >>> round(low, 4), round(high, 4)
        (0.0025, 0.445)
    """
    high = upper_limit(n_hits, n_tries, risk=risk / 2)
    return 1.0 - upper_limit(n_tries - n_hits, n_tries, risk=risk / 2), high
