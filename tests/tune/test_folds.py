import pytest

from omentum.tune.folds import patient_folds

CASES = {f"ct_{number}": f"patient_{number // 2}" for number in range(18)}


@pytest.mark.parametrize("n_folds", [2, 4, 9, 20])
def test_every_case_is_in_one_fold_and_no_patient_is_in_two(n_folds):
    folds = patient_folds(CASES, n_folds)
    assert sorted(case for fold in folds for case in fold) == sorted(CASES)
    patients = [{CASES[case] for case in fold} for fold in folds]
    assert sum(map(len, patients)) == len(set.union(*patients)) == 9
    assert max(map(len, patients)) - min(map(len, patients)) <= 1
    assert len(folds) == min(n_folds, 9)


def test_folds_depend_on_the_seed_and_not_on_the_order_of_cases():
    backwards = dict(reversed(CASES.items()))
    assert patient_folds(CASES, 4, seed=1) == patient_folds(backwards, 4, seed=1)
    assert patient_folds(CASES, 4, seed=1) != patient_folds(CASES, 4, seed=2)
