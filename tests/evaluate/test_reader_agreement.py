"""Readers of the same tasks are compared by organ and pair."""

import pytest

from omentum.evaluate.reader_agreement import ReadPair, kappa, pair_agreements, read_pairs
from omentum.project.reading_agreement import ReadingAgreement
from omentum.records import Task
from omentum.review.decide import adjudicate
from omentum.review.hand_in import HandIn, hand_in


def pair(patient, dice=0.9, changed=(True, True), organ="liver", readers=("anna", "ben")):
    agreement = ReadingAgreement(dice=dice, surface_dice=dice, differ_ml=1.0)
    return ReadPair(organ=organ, patient_id=patient, readers=readers, changed=changed, agreement=agreement)


def test_kappa_is_that_of_the_paper_and_its_interval_grows_with_fewer_tasks():
    # Fleiss, Cohen and Everitt 1969 as in any textbook: 45 both yes, 25 both no, 15 and 15 apart
    answers = [(True, True)] * 45 + [(False, False)] * 25 + [(True, False)] * 15 + [(False, True)] * 15
    value, (low, high) = kappa(answers)
    assert value == pytest.approx((0.7 - 0.52) / 0.48)
    assert (low, high) == pytest.approx((0.1896, 0.5604), abs=2e-3)
    fewer, (lower, higher) = kappa(answers[::5])
    assert fewer == pytest.approx(value)
    assert higher - lower > 2 * (high - low)


@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        ([], None),
        ([(True, True)] * 5, None),
        ([(True, False)] * 5, 0.0),
        ([(True, False), (False, True)], -1.0),
        ([(True, True), (False, False)], 1.0),
    ],
)
def test_kappa_of_few_and_one_sided_answers(answers, expected):
    value, interval = kappa(answers)
    assert value == expected
    assert (interval is None) is (expected is None)


def test_the_interval_is_over_patients_and_not_over_tasks():
    one_patient = [pair("p1", 0.8), pair("p1", 0.9), pair("p1", 0.7)]
    (of_organ, of_all) = pair_agreements(one_patient)
    assert (of_organ.n_tasks, of_organ.n_patients, of_organ.dice_interval) == (3, 1, None)
    assert of_organ.dice == pytest.approx(0.8)
    assert of_all.organ == "all organs"
    two = pair_agreements([*one_patient, pair("p2", 0.5)])[0]
    low, high = two.dice_interval
    assert (low, high) == pytest.approx((0.5, 0.8))


def test_where_both_say_absent_the_task_counts_for_kappa_alone():
    found = pair_agreements([pair("p1", None), pair("p2", None, (False, False))])[0]
    assert (found.n_tasks, found.dice, found.kappa) == (2, None, 1.0)


def test_pairs_are_listed_by_readers_and_organ_with_all_organs_last():
    pairs = [pair("p1", organ="spleen"), pair("p1"), pair("p2", readers=("anna", "carl"))]
    listed = [(one.readers[1], one.organ) for one in pair_agreements(pairs)]
    assert listed == [
        ("ben", "liver"), ("ben", "spleen"), ("ben", "all organs"), ("carl", "liver"), ("carl", "all organs"),
    ]  # fmt: skip


def test_of_tasks_with_three_readings_every_pair_is_compared_and_of_other_tasks_none(atlas):
    liver = atlas.box((3, 19), (3, 17), (2, 17))
    atlas.add("a", "b")
    for case_id in ("a", "b"):
        atlas.predict(case_id, {"liver": liver})
    more = {"round_number": 1, "organ": "liver", "attention_ml": 1.0, "network": "synthetic"}
    store = atlas.workspace.store
    store.tasks.replace(
        1, [Task(case_id="a", rank=1, n_readings=3, **more), Task(case_id="b", rank=2, **more)]
    )
    smaller = liver.copy()
    smaller[3] = False
    for name, mask in (("anna", smaller), ("ben", liver), ("carl", liver)):
        for case_id, number in (("a", 1), ("b", 2)):
            one = HandIn(case_id=case_id, organ="liver", mask=mask, reader=name, task_number=number)
            hand_in(atlas.workspace, [one])
    pairs = read_pairs(atlas.workspace)
    assert [one.readers for one in pairs] == [("anna", "ben"), ("anna", "carl"), ("ben", "carl")]
    n_all, n_less = int(liver.sum()), int(smaller.sum())
    assert pairs[0].agreement.dice == pytest.approx(2 * n_less / (n_all + n_less))
    assert pairs[0].agreement.differ_ml == pytest.approx((n_all - n_less) * 0.064)
    assert pairs[2].agreement.dice == 1.0


def test_agreement_is_measured_once_and_kept_with_its_case(atlas, monkeypatch):
    from omentum.project import reading_agreement

    liver = atlas.box((3, 19), (3, 17), (2, 17))
    atlas.add("a")
    atlas.predict("a", {"liver": liver})
    smaller = liver.copy()
    smaller[3] = False
    store = atlas.workspace.store
    store.tasks.replace(
        1,
        [Task(round_number=1, case_id="a", organ="liver", rank=1, attention_ml=1.0, n_readings=2)],
    )
    for name, mask in (("anna", smaller), ("ben", liver)):
        hand_in(
            atlas.workspace,
            [HandIn(case_id="a", organ="liver", mask=mask, reader=name, task_number=1)],
        )
    first = read_pairs(atlas.workspace)
    monkeypatch.setattr(reading_agreement, "read_nifti_part", None)
    assert read_pairs(atlas.workspace) == first


@pytest.fixture
def twice_read(atlas):
    """Function: `twice_read(name, mask)` hands in a reading of a task that two readers read."""
    liver = atlas.box((3, 19), (3, 17), (2, 17))
    atlas.add("a")
    atlas.predict("a", {"liver": liver})
    task = Task(
        round_number=1,
        case_id="a",
        organ="liver",
        rank=1,
        attention_ml=1.0,
        network="synthetic",
        n_readings=2,
    )
    atlas.workspace.store.tasks.replace(1, [task])

    def read(name, mask):
        one = HandIn(case_id="a", organ="liver", mask=mask, reader=name, task_number=1)
        (result,) = hand_in(atlas.workspace, [one])
        return result.revision

    return read


def test_a_reading_made_after_the_decision_is_not_compared(atlas, twice_read):
    small, large = atlas.box((3, 12), (3, 17), (2, 17)), atlas.box((3, 19), (3, 17), (2, 17))
    twice_read("anna", small)
    twice_read("ben", large)
    (before,) = read_pairs(atlas.workspace)
    adjudicate(atlas.workspace, "a", "liver", 2, by="dora")
    twice_read("anna", large)
    assert read_pairs(atlas.workspace) == [before]
    assert before.agreement.dice < 1.0


def test_a_reading_made_after_readers_agreed_is_not_compared(atlas, twice_read):
    liver = atlas.box((3, 19), (3, 17), (2, 17))
    twice_read("anna", liver)
    twice_read("ben", liver)
    assert atlas.workspace.store.tasks.get(1).state.value == "done"
    twice_read("anna", atlas.box((3, 12), (3, 17), (2, 17)))
    (found,) = read_pairs(atlas.workspace)
    assert found.agreement.dice == 1.0


def test_of_a_reader_who_reads_again_before_the_decision_the_last_reading_is_compared(atlas, twice_read):
    small, large = atlas.box((3, 12), (3, 17), (2, 17)), atlas.box((3, 19), (3, 17), (2, 17))
    twice_read("anna", small)
    twice_read("ben", large)
    twice_read("anna", large)
    (found,) = read_pairs(atlas.workspace)
    assert found.agreement.dice == 1.0
