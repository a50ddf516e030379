"""Which earlier cases are seen again, so that a few hard revisions do not bias a head?

In:  cases with a label of the organ, and how uncertain their predictions were.
Out: the most important share of them.
"""

from collections.abc import Mapping, Sequence

__all__ = ["replayed"]


def replayed(case_ids: Sequence[str], importance: Mapping[str, float], share: float) -> list[str]:
    """Choose the cases to replay for one organ, the most important first.

    Args:
        case_ids: Earlier cases that have a label of the organ.
        importance: Of a case. A case without one counts 0.
        share: Of `case_ids`, in [0, 1]; at least one case if there is any and the share is not 0.

    Source:
        Zhang et al. 2024, arXiv:2402.19423, abstract: replayed cases are chosen by uncertainty and
        consistency of their predictions; attention is made of both.

    Example:
        >>> replayed(["a", "b", "c", "d"], {"c": 5.0, "a": 2.0}, 0.5)
        ['c', 'a']
    """
    if not share or not case_ids:
        return []
    by_importance = sorted(case_ids, key=lambda case_id: (-importance.get(case_id, 0.0), case_id))
    return by_importance[: max(1, round(share * len(case_ids)))]
