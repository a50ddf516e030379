from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch

from omentum.errors import UnknownOrganError
from omentum.project.settings import Settings
from omentum.records import MaskSource
from omentum.tune.new_organs import add_new_organs, vouched_organs

ORGANS = ("spleen", "liver", "pancreas", "colon")


def project(*new: str) -> SimpleNamespace:
    return SimpleNamespace(settings=Settings(organs=ORGANS, new_organs=new))


def test_an_organ_that_people_drew_gets_a_head_and_one_that_nobody_drew_does_not(network, labelled_patient):
    case = labelled_patient(0, ("liver", "colon"))
    assert add_new_organs(project("colon=spleen"), network, [case], seed=0) == {"colon": ("spleen",)}
    assert network.spec.organs == ("spleen", "liver", "pancreas", "colon")
    assert add_new_organs(project("colon=spleen"), network, [case], seed=0) == {}, "it has one now"


def test_a_label_that_a_network_made_is_nothing_to_begin_with(network, labelled_patient):
    case = labelled_patient(0, ("liver", "colon"))
    predicted = replace(case, masks=tuple(replace(one, source=MaskSource.PREDICTED) for one in case.masks))
    assert vouched_organs([predicted]) == set()
    assert add_new_organs(project("colon"), network, [predicted], seed=0) == {}


def test_where_nobody_says_the_head_begins_as_the_most_similar_organs(network, labelled_patient):
    organs = (*ORGANS, "adrenal_gland_left", "femur_left")
    here = SimpleNamespace(settings=Settings(organs=organs, new_organs=("adrenal_gland_left", "femur_left")))
    heads = add_new_organs(here, network, [labelled_patient(0, organs)], seed=0)
    assert heads == {"adrenal_gland_left": ("pancreas",), "femur_left": ()}
    new, old = (network.organ_heads.controllers[name] for name in ("adrenal_gland_left", "pancreas"))
    assert torch.equal(new.weight, old.weight)


def test_a_similar_organ_that_the_network_does_not_know_is_refused(network, labelled_patient):
    with pytest.raises(UnknownOrganError, match="stomach"):
        add_new_organs(project("colon=stomach"), network, [labelled_patient(0, ("colon",))], seed=0)
