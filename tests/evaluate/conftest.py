"""Rounds and reports that the tests of this room share."""

from datetime import UTC, datetime

import pytest

from omentum.evaluate.agreement import OrganAgreement
from omentum.evaluate.report_data import RoundFigures, RoundReport
from omentum.evaluate.summary import summarised


def _agreement(case_id, organ, dice):
    return OrganAgreement(
        case_id=case_id,
        organ=organ,
        dice=dice,
        surface_dice=None if dice is None else dice - 0.1,
    )


def _figures(number, dice=None, **fields):
    summary = dice and summarised(_agreement("one", organ, value) for organ, value in dice.items())
    return RoundFigures(number=number, network=f"network-{number}", summary=summary, **fields)


def _report(*rounds, **fields):
    return RoundReport(
        **{
            "project": "my-atlas",
            "made": datetime(2026, 11, 23, 9, 30, tzinfo=UTC),
            "rounds": rounds,
            "n_cases": 12,
            **fields,
        }
    )


@pytest.fixture
def agreement():
    """Function: one agreement of a case, an organ and a Dice."""
    return _agreement


@pytest.fixture
def figures():
    """Function: a round's figures, from its number and a Dice an organ."""
    return _figures


@pytest.fixture
def report():
    """Function: a report of some rounds."""
    return _report
