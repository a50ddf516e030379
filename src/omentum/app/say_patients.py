"""Print which cases count as one patient and why, and what a person should look at."""

from collections.abc import Mapping
from typing import Any

import typer

from omentum.app.console import say_table

__all__ = ["say_patients"]

_BOTH_SIDES = "; one of both is held out, and the other trains"


def say_patients(told: Mapping[str, Any]) -> None:
    """Print all of it.

    Args:
        told: As `omentum.project.patients.patient_summary` gives it.
    """
    rows = [
        (one["patient"], " ".join(one["cases"]), "yes" if one["held_out"] else "", _why(one["joined"]))
        for one in told["patients"]
    ]
    say_table("patients with several cases", ["patient", "cases", "held out", "joined by"], rows)
    for one in (*told["apart"], *told["contradictions"]):
        typer.echo(f"{one['case']}: {one['said']}{_BOTH_SIDES if one['on_both_sides'] else ''}")
    for one in told["perhaps"]:
        sides = "; some are held out, and others train" if one["on_both_sides"] else ""
        typer.echo(
            f"perhaps one patient, by their names, and counted as several: {' '.join(one['cases'])}{sides}"
        )


def _why(joined: list[dict[str, str]]) -> str:
    return "; ".join(dict.fromkeys(one["why"] for one in joined))
