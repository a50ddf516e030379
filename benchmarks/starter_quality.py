"""How good are the shipped weights? Run: python benchmarks/starter_quality.py [--quick].

On synthetic patients that nothing is trained on (true labels), and on the real CTs beside the checkout where
there are any. No scan is scored with weights that learned from it: `trained-on.json` beside them says which
(`quality/trained_on.py`).

    python benchmarks/starter_quality.py --network starter --network starter-second --average --write

Every network gets a table, and with `--average` so does the average of the networks' probabilities. `--write`
puts the tables into the networks' model cards, docs/starter.md and, in brief, README.md, and the figures into
results/.
"""

import argparse
from collections import defaultdict
from collections.abc import Sequence

from measure import asked, options, report
from page import DOCS, parts_of, put_into
from quality.cases import all_cases
from quality.entrants import Entrant, entrants_of, predict_case
from quality.page import Results, block, brief
from quality.references import PHANTOMS, Column
from quality.scores import CaseScore, Score, score_case, total

README = DOCS.parent / "README.md"


def main(given: argparse.Namespace) -> None:
    names = given.network or ["starter"]
    entrants = entrants_of(names, average=given.average)
    cards = [entrant.members[0].weights.with_name("model-card.md") for entrant in entrants[: len(names)]]
    pages = [README, DOCS / "starter.md", *cards] if given.write else []
    for page in pages:
        parts_of(page, "quality")  # a page without the marks is told before hours of computing
    n_phantoms = 2 if given.quick else 12
    results = scored(entrants, n_phantoms)
    flags = [f" --{name}" for name in ("average", "write", "quick") if getattr(given, name)]
    command = " --network ".join(["python benchmarks/starter_quality.py", *names]) + "".join(flags)
    text = block(results, command, n_phantoms)
    print(text)
    for page in pages:
        put_into(page, "quality", brief(results, command) if page == README else text)
    first = results[entrants[0], PHANTOMS["mixed"]]
    assert isinstance(first, Score)
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


def _figures(entrant: Entrant, results: Results) -> dict[str, object]:
    own = {column.name: score for (whose, column), score in results.items() if whose is entrant}
    columns = {
        name: {"not_scored": score} if isinstance(score, str) else score.as_json()
        for name, score in own.items()
    }
    weights = [one.predictor.weights_sha256 for one in entrant.members]
    return {"weights_sha256": weights, "columns": columns}


if __name__ == "__main__":
    parser = options(__doc__, write="keep tables and figures")
    parser.add_argument("--network", action="append", help="name of a network; may be repeated")
    parser.add_argument("--average", action="store_true", help="score the networks' average too")
    main(asked(parser))
