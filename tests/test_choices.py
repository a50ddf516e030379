"""Help texts list the names that the code knows."""

from omentum import choices
from omentum.exchange.exporters.export import EXPORTERS
from omentum.phantoms.sites import SITE_SEEDS
from omentum.phantoms.styles import STYLES
from omentum.review.task_layout import TaskLayout
from omentum.score.strategies import strategy_names
from omentum.tune.replay import RULES


def test_help_texts_list_what_there_is():
    assert set(EXPORTERS) == set(choices.LAYOUTS)
    assert tuple(STYLES) == choices.PHANTOM_STYLES
    assert tuple(SITE_SEEDS) == choices.PHANTOM_SITES
    assert tuple(RULES) == choices.REPLAY_RULES
    assert tuple(TaskLayout) == choices.TASK_LAYOUTS
    assert set(choices.STRATEGIES) == {"default", *strategy_names()}
