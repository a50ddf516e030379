"""A plan computed by hand: which step bounds it, what is stored, and what it costs."""

import pytest

from omentum.errors import ConfigError
from omentum.project.case_costs import NetworkCosts, spread_of
from omentum.project.planning import PlanRequest, Prices, planned


def costs(read, compute, write, *, device="cpu", network="unet", **n_bytes):
    seconds = {"read": read, "compute": compute, "write": write}
    return NetworkCosts(
        network=network,
        device=device,
        source="here",
        seconds={step: spread_of([value]) for step, value in seconds.items()},
        n_bytes={kind: spread_of([value]) for kind, value in n_bytes.items()},
    )


def made(*networks, **asked):
    request = PlanRequest(**{"n_cases": 1000, "n_gpus": 0, "n_workers": 1, **asked})
    sizes = {"CT": spread_of([100e6]), "attention": spread_of([1e6])}
    return planned(request, networks, score=(spread_of([3.6]), "elsewhere"), case_bytes=sizes)


@pytest.mark.parametrize(
    ("n_gpus", "n_workers", "bound_by", "hours"),
    [
        (1, 1, "compute", 10.0),
        (4, 4, "compute", 2.5),
        (10, 1, "write", 2.0),
        (10, 4, "compute", 1.0),
        (0, 4, "compute", 2.5),
    ],
)
def test_a_run_takes_as_long_as_its_slowest_step(n_gpus, n_workers, bound_by, hours):
    plan = made(costs(1.8, 36.0, 7.2, device="H200"), n_gpus=n_gpus, n_workers=n_workers)
    assert (plan.stages[0].bound_by, plan.stages[0].hours) == (bound_by, pytest.approx(hours))


def test_networks_predict_one_after_the_other_and_scoring_follows():
    plan = made(costs(1, 36, 1), costs(1, 18, 1, network="second"), n_workers=2)
    assert [(one.stage, one.network) for one in plan.stages] == [
        ("predict", "unet"),
        ("predict", "second"),
        ("score", ""),
    ]
    assert plan.hours == pytest.approx(5.0 + 2.5 + 0.5)


def test_a_gpu_is_paid_for_as_long_as_networks_predict():
    plan = made(costs(1, 36, 1, device="H200"), n_gpus=4, n_workers=4, prices=Prices(gpu_hour=2.5))
    assert plan.gpu_hours == pytest.approx(10.0)
    assert plan.compute_price == pytest.approx(25.0)
    assert plan.month_price is None
    assert made(costs(1, 36, 1), prices=Prices(gpu_hour=2.5)).compute_price is None, "no GPU"


@pytest.mark.parametrize(("keep", "n_kept"), [("all", 1000), ("revisit", 60), ("none", 0)])
def test_until_cases_are_scored_all_probabilities_are_there_and_then_those_that_are_kept(keep, n_kept):
    one = costs(1, 1, 1, masks=2e6, probabilities=31e6)
    plan = made(one, keep=keep, n_revisited=60, prices=Prices(gb_month=0.02))
    assert plan.gb_at_most == pytest.approx(100 + 1 + 2 + 31)
    assert plan.gb_kept == pytest.approx(100 + 1 + 2 + 0.031 * n_kept)
    assert plan.month_price == pytest.approx(0.02 * plan.gb_kept)


def test_a_size_that_nobody_measured_is_in_no_sum_and_named():
    plan = made(costs(1, 1, 1, masks=2e6))
    assert [(one.kind, one.network) for one in plan.unmeasured] == [("probabilities", "unet")]
    assert plan.gb_kept == pytest.approx(103)


def test_figures_of_processors_bound_a_run_on_gpus():
    assert made(costs(1, 36, 1), n_gpus=1).stages[0].is_at_most
    assert not made(costs(1, 36, 1, device="H200"), n_gpus=1).stages[0].is_at_most
    assert not made(costs(1, 36, 1)).stages[0].is_at_most


def test_hours_of_readers_are_those_of_the_cases_that_they_look_at():
    assert made(costs(1, 1, 1), n_revisited=90, minutes_per_case=4.0).reader_hours == pytest.approx(6.0)
    assert made(costs(1, 1, 1), n_revisited=90).reader_hours is None


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"n_cases": 0}, "--cases is 0, but it must be at least 1"),
        ({"n_gpus": -1}, "--gpus is -1"),
        ({"n_workers": 0}, "--workers is 0"),
        ({"keep": "some"}, "--keep is 'some', but it must be one of all, revisit, none"),
        ({"minutes_per_case": float("nan")}, "--minutes-per-case is nan"),
        ({"prices": Prices(gpu_hour=-2.5)}, "--price-gpu-hour is -2.5"),
        ({"prices": Prices(gb_month=float("inf"))}, "--price-gb-month is inf"),
        ({"n_revisited": -1}, "--revisit is -1"),
    ],
)
def test_numbers_that_plan_nothing_are_refused(asked, said):
    with pytest.raises(ConfigError, match=said):
        made(costs(1, 1, 1), **asked)
