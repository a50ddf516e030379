"""Decisions and confirmations are kept in the order in which they came, for good."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from omentum.errors import UnknownCaseError
from omentum.records import WHOLE_CT, Confirmation, Decision, DecisionKind, MaskSource

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


def decision_of(case_id="a", organ="liver", **changes):
    plain = {"kind": DecisionKind.ADJUDICATE, "revision_number": 3, "by": "reader-1", "time": NOON}
    return Decision(case_id=case_id, organ=organ, **{**plain, **changes})


def confirmation_of(case_id="a", organ="liver", **changes):
    plain = {"rule": "side", "mask_sha256": "11", "by": "reader-1", "why": "situs inversus", "time": NOON}
    return Confirmation(case_id=case_id, organ=organ, **{**plain, **changes})


def test_decisions_come_out_as_they_went_in_in_the_order_in_which_they_fell(each_store):
    said = [
        decision_of(why="the left lobe is whole"),
        decision_of(
            organ="spleen", kind=DecisionKind.PREFER, stands=MaskSource.ORIGINAL, revision_number=None
        ),
        decision_of(kind=DecisionKind.RESTORE, stands=MaskSource.PREDICTED, revision_number=None),
        decision_of("b"),
    ]
    kept = [each_store.decisions.add(one) for one in said]
    assert [replace(one, number=None) for one in kept] == said
    assert each_store.decisions.all() == kept
    assert [one.number for one in kept] == sorted({one.number for one in kept})


def test_confirmations_come_out_as_they_went_in(each_store):
    said = [confirmation_of(organ=WHOLE_CT, mask_sha256=""), confirmation_of(), confirmation_of("b")]
    each_store.confirmations.add(said)
    assert each_store.confirmations.all() == said
    assert each_store.confirmations.of_case("a") == said[:2]


def test_neither_is_kept_of_an_unknown_case(busy_store):
    with pytest.raises(UnknownCaseError, match="'z'"):
        busy_store.decisions.add(decision_of("z"))
    with pytest.raises(UnknownCaseError, match="'z'"):
        busy_store.confirmations.add([confirmation_of(), confirmation_of("z")])
    assert busy_store.decisions.all() == []
    assert busy_store.confirmations.all() == []
