"""How good are the shipped weights? Run: python benchmarks/starter_quality.py [--quick].

On synthetic patients that nothing is trained on (true labels), and on the real CTs beside the checkout where
there are any. No scan is scored with weights that learned from it: `trained-on.json` beside them says which
(`quality/trained_on.py`). Such scans are for weights from a file, made in the same way without them:

    python benchmarks/starter_quality.py --network starter --weights without-real-cts/weights.safetensors
    python benchmarks/starter_quality.py --network starter --network starter-second --average --write

Every network gets a table, and with `--average` so does the average of the networks' probabilities (and that
of the weights from files). `--write` puts the tables into the networks' model cards, docs/starter.md and, in
brief, README.md, and the figures into results/.
"""

import argparse
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

from measure import report
from omentum.errors import ConfigError, OmentumError
from quality.cases import all_cases
from quality.entrants import Entrant, Member, entrants_of, member_named, member_of_file, predict_case
from quality.page import Results, block, brief, parts_of, put_into
from quality.references import PHANTOMS, Column
from quality.scores import CaseScore, Score, score_case, total

ROOT = Path(__file__).resolve().parents[1]
SHIPPED = ROOT / "src" / "omentum" / "networks" / "shipped"
DOCUMENT = ROOT / "docs" / "starter.md"
README = ROOT / "README.md"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--network", action="append", default=[], help="name of a network; may be repeated")
    parser.add_argument("--weights", action="append", default=[], type=Path, help="a file; may be repeated")
    parser.add_argument("--average", action="store_true", help="score the networks' average too")
    parser.add_argument("--write", action="store_true", help="keep tables and figures")
    parser.add_argument("--quick", action="store_true", help="2 phantoms of each style instead of 12")
    given = parser.parse_args()
    try:
        run(given)
    except OmentumError as error:
        parser.error(str(error))


def run(given: argparse.Namespace) -> None:
    if given.write and given.quick:
        raise ConfigError("--quick", True, "what is written comes from a full run; leave one of them out")
    names = given.network or ([] if given.weights else ["starter"])
    if given.average and max(len(names), len(given.weights)) < 2:
        raise ConfigError("--average", True, "it takes two networks, or two weights files")
    networks = [member_named(name) for name in names]
    outside = [member_of_file(path) for path in given.weights]
    called = [one.name for one in [*networks, *outside]]
    if len(set(called)) < len(called):
        raise ConfigError("--network and --weights", called, "each needs a name, or folder, of its own")
    pages = _pages(networks) if given.write else []
    entrants = entrants_of(networks, average=given.average) + entrants_of(outside, average=given.average)
    n_phantoms = 2 if given.quick else 12
    results = scored(entrants, n_phantoms)
    text = block(results, _command(given, names), n_phantoms)
    print(text)
    for page in pages:
        put_into(page, brief(results, _command(given, names)) if page == README else text)
    first = results[entrants[0], PHANTOMS["mixed"]]
    assert isinstance(first, Score)
    assert first.summary.dice is not None
    report(
        "starter_quality",
        ours=first.summary.dice,
        other=None,
        unit="Dice",
        quick=given.quick,
        keep=given.write,
        entrants={one.name: _figures(one, results) for one in entrants},
    )


def scored(entrants: Sequence[Entrant], n_phantoms: int) -> Results:
    """Score every entrant in every column, each CT predicted once by each network."""
    found: dict[tuple[Entrant, Column], list[CaseScore]] = defaultdict(list)
    refused: dict[tuple[Entrant, Column], str] = {}
    for case in all_cases(n_phantoms):
        refusals = {one: one.refusal(case) for one in entrants}
        predicted = predict_case([one for one, reason in refusals.items() if reason is None], case)
        for entrant, reason in refusals.items():
            if reason is not None:
                refused |= {(entrant, column): reason for column, _, _ in case.references}
                continue
            masks = entrant.masks(case, predicted)
            for column, reference, slices in case.references:
                found[entrant, column].append(score_case(case.case_id, masks, reference, slices))
    return {**{key: total(cases) for key, cases in found.items()}, **refused}


def _pages(networks: Sequence[Member]) -> list[Path]:
    """Find where the tables go, before anything is computed."""
    names = sorted(one.name for one in networks if one.weights.parent.parent == SHIPPED)
    if len(names) < len(networks) or not names:
        raise ConfigError("--write", True, "it needs --network, and networks of this checkout alone")
    pages = [README, DOCUMENT, *(SHIPPED / name / "model-card.md" for name in names)]
    for page in pages:
        parts_of(page)
    return pages


def _command(given: argparse.Namespace, names: Sequence[str]) -> str:
    """Give the command without what only this machine knows: a weights file goes by its folder."""
    parts = ["python benchmarks/starter_quality.py", *(f"--network {name}" for name in names)]
    parts += [f"--weights {path.resolve().parent.name}/{path.name}" for path in given.weights]
    parts += [f"--{name}" for name in ("average", "write", "quick") if getattr(given, name)]
    return " ".join(parts)


def _figures(entrant: Entrant, results: Results) -> dict[str, object]:
    own = {column.name: score for (whose, column), score in results.items() if whose is entrant}
    return {
        "weights_sha256": [one.predictor.weights_sha256 for one in entrant.members],
        "columns": {
            name: {"not_scored": score} if isinstance(score, str) else score.as_json()
            for name, score in own.items()
        },
    }


if __name__ == "__main__":
    main()
