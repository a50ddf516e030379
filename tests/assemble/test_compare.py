import pytest

from omentum.assemble.compare import Change, compare_releases, diff_of, plan_release
from omentum.assemble.release import build_release
from omentum.errors import ReleaseError
from omentum.records import MaskSource


@pytest.fixture
def cases(make, blob):
    known = []
    for n, case_id in enumerate(["a", "a-b", "b"]):  # `a-b` sorts before `a/`
        case = make.case(case_id)
        masks = {"liver": blob(2 * n), "spleen": blob(2 * n + 1)}
        known.append(make.inputs(case, make.prediction(case, masks)))
    return known


@pytest.fixture
def two(cases, make, blob, tmp_path):
    """V1 has a, a-b and b; V2 lacks b, has c, and a's liver revised."""
    first = build_release("V1", tmp_path, cases).folder
    revision = make.revision(cases[0].case, "liver", blob(90))
    revised = make.inputs(cases[0].case, cases[0].prediction, revision)
    new = make.case("c")
    more = make.inputs(new, make.prediction(new, {"liver": blob(91)}))
    later = [revised, cases[1], more]
    return first, build_release("V2", tmp_path, later).folder, later


def test_every_mask_that_differs_is_told_with_both_sources(two):
    first, second, _ = two
    found = {(one.case_id, one.organ): one for one in compare_releases(first, second)}
    assert {key: one.change for key, one in found.items()} == {
        ("a", "liver"): Change.CHANGED,
        ("b", "liver"): Change.REMOVED,
        ("b", "spleen"): Change.REMOVED,
        ("c", "liver"): Change.ADDED,
    }
    assert (found["a", "liver"].before, found["a", "liver"].after) == ("predicted", "revised")
    assert found["b", "liver"].volume_ml < 0 < found["c", "liver"].volume_ml


def test_differences_are_counted(two):
    first, second, _ = two
    diff = diff_of(first, second)
    assert (diff.n_cases_added, diff.n_cases_removed, diff.n_cts_changed, diff.n_same) == (1, 1, 0, 3)
    assert diff.organs["liver"] == {Change.CHANGED: 1, Change.REMOVED: 1, Change.ADDED: 1}
    changes = list(compare_releases(first, second))
    assert diff.added_ml["spleen"] == pytest.approx(
        sum(one.volume_ml for one in changes if one.organ == "spleen")
    )


def test_a_release_does_not_differ_from_itself(two):
    first, *_ = two
    assert list(compare_releases(first, first)) == []
    assert diff_of(first, first).n_same == 6


def test_a_plan_tells_what_a_release_would_hold_and_what_is_new(two, cases):
    first, second, later = two
    plan = plan_release(later, first)
    assert (plan.n_cases, plan.n_cases_new, plan.n_cases_gone, plan.n_masks_other) == (3, 1, 1, 2)
    assert plan.organs["liver"] == {MaskSource.PREDICTED: 2, MaskSource.REVISED: 1}
    same = plan_release(later, second)
    assert (same.n_cases_new, same.n_cases_gone, same.n_masks_other) == (0, 0, 0)
    assert plan_release(cases, None).n_cases_new == 3


def test_a_folder_without_a_table_is_refused(two, tmp_path):
    first, *_ = two
    with pytest.raises(ReleaseError, match="release verify"):
        diff_of(first, tmp_path / "nowhere")
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / "lineage.parquet").write_bytes(b"PAR1")
    with pytest.raises(ReleaseError, match="release verify"):
        diff_of(broken, first)
