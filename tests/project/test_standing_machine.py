"""Whatever readers and deciders do in whatever order, the mask that stands is the one that must.

A state machine drives the review service; beside it a small model of its own says what must stand.
"""

import shutil
import tempfile
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from typing import Any, ClassVar
from unittest import mock

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from omentum.errors import ReviewError
from omentum.project.project import opened
from omentum.project.standing import facts_of_case, open_conflicts, standing_case
from omentum.records import MaskSource, NetworkRecord, Task, TaskState
from omentum.review.hand_in import HandIn
from omentum.review.service import ReviewService
from omentum.store.tasks import pool_of

ORGANS = ("spleen", "liver")
READERS = ("anna", "ben", "carl")
PREDICTED, REVISED, ORIGINAL = MaskSource.PREDICTED, MaskSource.REVISED, MaskSource.ORIGINAL
RULE = "side"

organs = st.sampled_from(ORGANS)
readers = st.sampled_from(READERS)
some = st.integers(0, 99)
"""Which of several, modulo how many there are."""
drawn = st.sampled_from(["nothing", "one", "two", "three", "wrong"])


class Reviewing(RuleBasedStateMachine):
    """Readers claim tasks and hand in masks, people decide, networks learn."""

    made: ClassVar[Any]
    """The project, to be copied; see `reviewed` in `conftest.py`."""

    def __init__(self) -> None:
        super().__init__()
        self.sha256s = self.made.sha256s
        self.life = ExitStack()
        root = Path(self.life.enter_context(tempfile.TemporaryDirectory())) / "atlas"
        shutil.copytree(self.made.root, root)
        self.life.enter_context(mock.patch("omentum.review.hand_in.findings_of_new", self.made.look))
        self.workspace = self.life.enter_context(opened(root))
        self.service = ReviewService(self.workspace)
        self.model = self.made.models()
        self.round_number, self.network = 1, "net"
        self.seen: list[tuple[str, Task]] = []
        """Tasks that were shown to readers, with the mask that each saw."""

    def teardown(self) -> None:
        """Close the project."""
        self.life.close()

    @initialize(n_readings=st.integers(1, 2))
    def begin(self, n_readings: int) -> None:
        """Make the first queue, and let two readers have it."""
        self.score(n_readings)
        for reader in READERS[:2]:
            self.claim(reader, len(ORGANS), is_over=False)

    @rule(n_readings=st.integers(1, 2))
    def score(self, n_readings: int) -> None:
        """Make a new queue."""
        tasks = [
            Task(
                round_number=self.round_number,
                case_id="a",
                organ=name,
                rank=rank,
                attention_ml=1.0,
                n_readings=n_readings,
            )
            for rank, name in enumerate(ORGANS, start=1)
        ]
        self.workspace.store.tasks.replace(self.round_number, tasks)

    @rule(reader=readers, n=st.integers(1, 3), is_over=st.booleans())
    def claim(self, reader: str, n: int, is_over: bool) -> None:
        """Claim tasks, for a day or for a time that is over at once."""
        lasting = timedelta(seconds=-1) if is_over else timedelta(days=1)
        before = {task.number: task for task in self.workspace.store.tasks.of_round(self.round_number)}
        claims = self.service.claim(reader, n, lasting=lasting)
        assert len({claim.task.number for claim in claims}) == len(claims) <= n
        for claim in claims:
            was = before[claim.task.number]
            if was.state is TaskState.QUEUED and was.n_readings == 1:
                assert claim.task.shown_sha256 == self.model[claim.task.organ].counts()[1]
            self.seen.append((reader, claim.task))

    @precondition(lambda self: self.seen)
    @rule(which=some, name=drawn)
    def hand_in(self, which: int, name: str) -> None:
        """Hand in a mask for a task that was shown at some time, early, late or again."""
        reader, task = self.seen[which % len(self.seen)]
        self._hand_in(reader, task.organ, name, task)

    @rule(reader=readers, organ_name=organs, name=drawn)
    def hand_in_unasked(self, reader: str, organ_name: str, name: str) -> None:
        """Hand in a mask without a task: nobody knows what was shown."""
        self._hand_in(reader, organ_name, name, None)

    @precondition(lambda self: self.seen)
    @rule(which=some)
    def accept(self, which: int) -> None:
        """Say that the mask which was shown is right."""
        reader, task = self.seen[which % len(self.seen)]
        name = next(name for name, sha256 in self.sha256s.items() if sha256 == task.shown_sha256)
        self._hand_in(reader, task.organ, name, task)

    @rule(reader=readers, organ_name=organs, name=drawn)
    def adjudicate_by_hand_in(self, reader: str, organ_name: str, name: str) -> None:
        """Hand in a mask that decides."""
        self._hand_in(reader, organ_name, name, None, decides=True)

    @rule(organ_name=organs, which=some)
    def adjudicate(self, organ_name: str, which: int) -> None:
        """Choose any revision."""
        model = self.model[organ_name]
        if model.everything:
            number = model.everything[which % len(model.everything)].number
            self.service.adjudicate("a", organ_name, number)
            model.decide(REVISED, number)

    @rule(organ_name=organs)
    def prefer(self, organ_name: str) -> None:
        """Let the last word stand over the original label."""
        model = self.model[organ_name]
        revised = model.revised()
        if revised is None:
            with pytest.raises(ReviewError, match="no revision"):
                self.service.prefer("a", organ_name)
            return
        if model.undecided:
            with pytest.raises(ReviewError, match="disagree"):
                self.service.prefer("a", organ_name)
            return
        self.service.prefer("a", organ_name)
        model.decide(REVISED, revised.number)

    @rule(organ_name=organs, to=st.sampled_from([ORIGINAL, PREDICTED]))
    def restore(self, organ_name: str, to: MaskSource) -> None:
        """Go back to the original label or to what is predicted."""
        model = self.model[organ_name]
        if to is ORIGINAL and model.original is None:
            with pytest.raises(ReviewError, match="no original mask"):
                self.service.restore("a", organ_name, to)
            return
        self.service.restore("a", organ_name, to)
        model.decide(to, None)

    @rule(organ_name=organs)
    def confirm(self, organ_name: str) -> None:
        """Say that a mask which is held back is right."""
        model = self.model[organ_name]
        if not model.is_held():
            with pytest.raises(ReviewError, match="no mask in a has an open finding"):
                self.service.confirm(RULE, ["a"], organs=[organ_name])
            return
        self.service.confirm(RULE, ["a"], organs=[organ_name])
        model.confirmed.add(model.wrong)

    @rule(name=st.sampled_from(["one", "two", "wrong"]))
    def tune_and_begin_a_round(self, name: str) -> None:
        """Learn what stands, and let the new network predict another mask."""
        self.plan_what_to_learn()
        store, network = self.workspace.store, f"net-r{self.round_number}"
        tuned = NetworkRecord(
            name=network,
            folder=None,
            weights_sha256=network,
            parent=self.network,
            round_number=self.round_number,
        )
        with store.together():
            store.networks.add(tuned)
            learned = {one.key: one.sha256 for one in self.workspace.unlearned()}
            store.lessons.keep(network, learned)
            self.round_number = store.rounds.turn(self.round_number, network).number
        self.made.predict(self.workspace, network, name)
        self.network = network
        for model in self.model.values():
            if model.counts()[0] is REVISED and not model.is_held():
                model.learned = model.counts()[1]
            model.predicted = self.sha256s[name]
        self.score(1)

    @rule()
    def plan_what_to_learn(self) -> None:
        """Hold what tuning would learn against the model: what stands, was drawn, and is new."""
        expected = {
            organ_name: model.counts()[1]
            for organ_name, model in self.model.items()
            if model.counts()[0] is REVISED and not model.is_held() and model.counts()[1] != model.learned
        }
        assert {one.organ: one.sha256 for one in self.workspace.unlearned()} == expected

    @invariant()
    def what_stands_must(self) -> None:
        """Hold the one answer against the model, and all else that is kept."""
        store = self.workspace.store
        with store.together():  # one transaction, which is faster
            facts = facts_of_case(self.workspace, "a", network=self.network)
            tasks = store.tasks.of_case("a")
            leases = store.leases.all(pool_of(self.round_number))
        labelled = standing_case(facts)
        found = {mask.organ: (mask.source, mask.path) for mask in labelled.masks}
        held = {mask.organ for mask in labelled.held}
        for name, model in self.model.items():
            source, sha256 = model.counts()
            assert (name in held, name in found) == (model.is_held(), not model.is_held())
            if name in found:
                assert found[name] == (source, self._file(name, source, sha256))
            revisions, decisions = facts.revisions_of(name), facts.decisions_of(name)
            assert [one.number for one in revisions] == [word.number for word in model.everything]
            assert {one.number for one in open_conflicts(revisions, decisions)} == model.undecided
            states = {task.state for task in tasks if task.organ == name}
            assert TaskState.IN_ADJUDICATION not in states or model.undecided
        for task in tasks:
            holders = [lease.holder for lease in leases.get(str(task.number), ())]
            assert len(set(holders)) == len(holders) <= task.n_readings

    def _file(self, name: str, source: MaskSource, sha256: str) -> Path:
        folder = self.workspace.folder
        return {
            ORIGINAL: folder.case_dir("a") / "original_label.nii.gz",
            REVISED: folder.revision_dir("a", name) / f"{sha256}.nii.gz",
            PREDICTED: folder.prediction_dir("a", self.network) / "masks.nii.gz",
        }[source]

    def _hand_in(
        self, reader: str, organ_name: str, name: str, task: Task | None, *, decides: bool = False
    ) -> None:
        base = None if task is None else task.shown_sha256
        number = None if task is None else task.number
        asked = HandIn(
            case_id="a",
            organ=organ_name,
            mask=self.made.masks[name],
            reader=reader,
            task_number=number,
            base_sha256=base,
            decides=decides,
        )
        result = self.service.submit(asked)
        model = self.model[organ_name]
        if base is None and name != "nothing" and self.sha256s[name] == model.predicted:
            base = model.predicted  # it is what the network made, so that its reader must have seen that
        new = model.word(result.revision.number, self.sha256s[name], base, reader, number)
        own = [word for word in model.everything if (word.reader, word.task) == (reader, number)]
        is_known = bool(own) and own[-1].sha256 == new.sha256
        assert result.is_known == is_known
        if is_known:
            new = own[-1]
        elif not decides and model.contradicts(new, is_blinded=self._is_blinded(number)):
            model.undecided.add(new.number)
        else:
            model.words.append(new)
        if not is_known:
            model.everything.append(new)
        if decides:
            model.decide(REVISED, new.number)
        assert (new.number in model.undecided) <= (result.revision.conflicts_with is not None)
        is_it = model.counts()[0] is REVISED and model.revised().number == new.number
        stands = is_it and not model.is_held()
        assert (result.stands, bool(result.why_not)) == (stands, not stands)

    def _is_blinded(self, number: int | None) -> bool:
        task = None if number is None else self.workspace.store.tasks.get(number)
        return task is not None and task.n_readings > 1


TestReviewing = Reviewing.TestCase
TestReviewing.settings = settings(max_examples=12, stateful_step_count=20, deadline=None)


@pytest.fixture(autouse=True, scope="module")
def _made(reviewed):
    Reviewing.made = reviewed


@pytest.fixture(params=[1, 2], ids=["one reading", "two readings"])
def machine(request):
    """The machine, to be driven by hand: anna and then ben have seen the liver."""
    made = Reviewing()
    made.begin(request.param)
    yield made
    made.teardown()


def test_an_acceptance_and_a_change_disagree_only_where_two_independent_readings_were_wanted(machine):
    machine.accept(1)
    if len(machine.seen) > len(ORGANS):
        machine.hand_in(3, "two")
        assert machine.model["liver"].undecided
    else:
        machine.hand_in_unasked("ben", "liver", "two")
        assert not machine.model["liver"].undecided
    machine.what_stands_must()


def test_a_mask_that_is_held_back_stands_once_it_is_confirmed_and_is_then_learned(machine):
    machine.hand_in(1, "wrong")
    assert machine.model["liver"].is_held()
    machine.what_stands_must()
    machine.confirm("liver")
    machine.what_stands_must()
    machine.tune_and_begin_a_round("wrong")
    machine.what_stands_must()


def test_a_decision_that_is_taken_again_answers_what_came_in_since(machine):
    machine.adjudicate_by_hand_in("carl", "liver", "nothing")
    machine.adjudicate("liver", 0)
    machine.hand_in_unasked("anna", "liver", "three")
    assert machine.model["liver"].undecided
    machine.what_stands_must()
    machine.adjudicate("liver", 0)
    machine.what_stands_must()


def test_the_model_itself_knows_a_conflict(reviewed):
    model = reviewed.models()["liver"]
    first = model.word(1, "f1", "shown", "anna", 1)
    model.words.append(first)
    late = model.word(2, "f2", "shown", "ben", 1)
    assert model.contradicts(late, is_blinded=False)
    assert not model.contradicts(model.word(2, "f2", "f1", "ben", 1), is_blinded=False)
