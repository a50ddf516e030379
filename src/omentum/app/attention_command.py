"""The command that scores predictions in the published layout as AbdomenAtlas-8K does: maps and lists."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from omentum.app.console import bars, end_batches, say_json, say_table
from omentum.app.options import AsJson, listed
from omentum.errors import ConfigError

if TYPE_CHECKING:
    from omentum.score.published_tree import TreeScore

__all__ = ["attention"]


def attention(
    tree: Annotated[Path, typer.Argument(help="Folder of cases, each with backbones/ and average/ in it.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for the maps and both lists.")],
    network: Annotated[
        list[str] | None, typer.Option(help="Name in backbones/; again for more. Default: all.")
    ] = None,
    organs: Annotated[str, typer.Option(help="Organs or subsets. Default: the nine targets.")] = "",
    dataset: Annotated[
        str, typer.Option(help="Number of a public data set, whose own organs are left out, such as 04.")
    ] = "",
    maps: Annotated[
        str, typer.Option(help="Maps beside attention: inconsistency, uncertainty, overlap.")
    ] = "",
    as_json: AsJson = False,
) -> None:
    """Score predictions in the published layout. Example: omentum attention TREE -o OUT --dataset 04."""
    from omentum.abdomenatlas.datasets import is_without_inconsistency
    from omentum.abdomenatlas.tree import PublishedTree
    from omentum.runners.in_process import InProcessRunner
    from omentum.runners.memory_ledger import MemoryLedger
    from omentum.score.published_tree import TreeScore, attend_case, write_lists

    kinds = _maps(maps)
    given = PublishedTree(root=tree, networks=tuple(network or ()), organs=_organs(organs, dataset))

    def work(case_id: str) -> TreeScore:
        early = is_without_inconsistency(dataset)
        return attend_case(given, case_id, out, maps=kinds, without_inconsistency=early)

    ledger = MemoryLedger[TreeScore]()
    with bars() as progress:
        batch = InProcessRunner().run(
            given.cases, work, key=str, ledger=ledger, step="attention", progress=progress
        )
    scores = [ledger.results[case_id] for case_id in batch.done]
    if scores:
        write_lists(out, scores)
    ordered = sorted(scores, key=lambda one: (-one.voxels.score, one.voxels.case_id))
    if as_json:
        say_json([_described(one) for one in ordered])
    elif ordered:
        rows = [(one.voxels.case_id, int(one.voxels.score), one.size) for one in ordered]
        say_table(f"attention of {', '.join(given.networks)}", ["case", "voxels", "size"], rows)
    end_batches([batch], "scored")


def _organs(text: str, dataset: str) -> tuple[str, ...]:
    """Choose the organs to score."""
    from omentum.abdomenatlas.datasets import organs_to_score, targets
    from omentum.volumes.labels import organs_named

    scored = organs_to_score(dataset) if dataset else None
    wanted = tuple(row.name for row in organs_named(listed(text))) if text else targets()
    chosen = wanted if scored is None else tuple(name for name in wanted if name in scored)
    if not chosen:
        raise ConfigError("--dataset", dataset, "it annotates all of these organs itself: none is scored")
    return chosen


def _maps(text: str) -> tuple[str, ...]:
    from omentum.score.published_tree import MAPS

    for name in listed(text):
        if name not in MAPS:
            raise ConfigError("--maps", name, f"the maps are {', '.join(MAPS)}")
    return tuple(dict.fromkeys((MAPS[0], *listed(text))))


def _described(score: "TreeScore") -> dict[str, object]:
    organs = [
        {"organ": one.organ, "voxels": one.attention_voxels, "ml": one.attention_ml, "heat": one.priority}
        for one in score.voxels.organs
    ]
    return {
        "case": score.voxels.case_id,
        "voxels": score.voxels.score,
        "size": score.size,
        "organs": organs,
    }
