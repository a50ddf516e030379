"""Merge lesions into their host organ: to a network the liver is the liver with what grows in it."""

from collections.abc import Iterator, Mapping
from itertools import chain

import numpy as np
import numpy.typing as npt

from omentum.measures.components import pieces_of
from omentum.measures.morphology import dilated
from omentum.records import MaskSource
from omentum.volumes.boxes import BoxedArray, bounding_box, grown
from omentum.volumes.geometry import Box
from omentum.volumes.labels import organ
from omentum.volumes.masks import MaskSet, NamedPart

__all__ = ["hosts_filled"]

_Mask = npt.NDArray[np.bool_]


def hosts_filled(masks: MaskSet, sources: Mapping[str, MaskSource]) -> MaskSet:
    """Add each tumour and cyst to the organ that it lies in, as many data sets cut it out of there.

    A piece that may lie in either of a pair goes to the one it shares or touches most of; one that touches
    neither goes to none. A mask that people vouch for is never grown by a predicted one.

    Args:
        masks: Of one case, tumours and hosts each by themselves or not.
        sources: Of each organ that `masks` speaks of.

    Returns:
        `masks` itself where nothing is to be added.
    """
    extra = list(_extra(masks, sources))
    if not extra:
        return masks
    kept = ((name, masks.mask(name)) for name in masks.organs)
    return MaskSet.build(masks.geometry, masks.organs, chain(kept, extra))


def _extra(masks: MaskSet, sources: Mapping[str, MaskSource]) -> Iterator[NamedPart]:
    for name in masks.organs:
        hosts = [host for host in organ(name).hosts if host in masks.organs]
        box = bounding_box(masks.mask(name)) if hosts else None
        if box is None:
            continue
        near = grown(box, 1, masks.geometry.shape)
        for host, part in _shared_out(masks, name, hosts, near):
            is_guess = sources[name] is MaskSource.PREDICTED
            if part.any() and not (is_guess and sources[host] is not MaskSource.PREDICTED):
                yield host, BoxedArray(near, part)


def _shared_out(masks: MaskSet, name: str, hosts: list[str], near: Box) -> Iterator[tuple[str, _Mask]]:
    """Give each host the pieces of a tumour that belong to it."""
    pieces = pieces_of(masks.mask_in(name, near))
    touched = np.stack([pieces.counted(dilated(masks.mask_in(host, near))) for host in hosts])
    best = np.where(touched.max(axis=0) > 0, touched.argmax(axis=0), -1)
    for row, host in enumerate(hosts):
        yield host, pieces.mask(np.flatnonzero(best == row).tolist())
