"""Review as a service: claim tasks, hand in masks, decide, look back. Folders and pages are its adapters."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import timedelta

from omentum.choices import OWNER
from omentum.errors import ReviewError
from omentum.project.project import Project
from omentum.project.standing import facts_of_case
from omentum.records import Claim, Confirmation, Decision, MaskSource, Revision, Task
from omentum.review import claims, decide
from omentum.review.claims import ANY_TASK, TWO_WEEKS, Asked, required_task
from omentum.review.hand_in import HandIn, SubmitResult, submit
from omentum.review.history import History, history
from omentum.review.shown import find_base
from omentum.store.leases import Lease
from omentum.store.tasks import pool_of
from omentum.volumes.labels import organ

__all__ = ["ListedTask", "ReviewService", "list_tasks"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedTask:
    """A task with the leases on it."""

    task: Task
    leases: tuple[Lease, ...] = ()
    """Who has it; those whose time is over are left out."""


class ReviewService:
    """What people may do with the tasks and masks of a project.

    Args:
        project: The open project.
    """

    def __init__(self, project: Project) -> None:
        self.project = project

    def claim(
        self, reader: str, n: int | None = None, *, asked: Asked = ANY_TASK, lasting: timedelta = TWO_WEEKS
    ) -> list[Claim]:
        """Give a reader the tasks that they have already, then new ones by rank; see `claims.claim`."""
        return claims.claim(self.project, reader, n, asked=asked, lasting=lasting)

    def submit(self, hand_in: HandIn) -> SubmitResult:
        """Keep a mask that a reader hands in; see `hand_in.submit`, which takes several of one case."""
        return submit(self.project, [hand_in])[0]

    def accept(
        self, number: int, reader: str, *, minutes: float | None = None, comment: str = ""
    ) -> SubmitResult:
        """Say that the mask which a task shows is right as it is.

        Raises:
            ReviewError: There is no such task, or the mask that it shows is not known or gone.
        """
        task = required_task(self.project, number)
        if task.is_of_ct:
            raise ReviewError(f"task {number} is about a whole CT; answer it with `omentum review confirm`")
        base = None
        if task.shown_sha256 is not None:
            facts = facts_of_case(self.project, task.case_id)
            sha256 = task.shown_sha256
            base = find_base(self.project, facts, task.organ, sha256, network=task.network)
        if base is None:
            raise ReviewError(
                f"the mask that task {number} shows is not known; "
                "claim the task, look at it, and accept it then"
            )
        return self.submit(
            HandIn(
                case_id=task.case_id,
                organ=task.organ,
                mask=base.mask,
                reader=reader,
                task_number=number,
                minutes=minutes,
                comment=comment,
            )
        )

    def skip(self, numbers: Collection[int], why: str) -> None:
        """Leave tasks out, with a reason; no such task raises `ReviewError`."""
        claims.skip(self.project, numbers, why)

    def give_back(self, numbers: Collection[int], reader: str) -> list[int]:
        """Let others have tasks; give the numbers of those that the reader had."""
        return claims.give_back(self.project, numbers, reader)

    def assign(self, reader: str | None, asked: Asked, numbers: Collection[int] = ()) -> list[Task]:
        """Let only one reader have open tasks, or anyone again; see `claims.assign`."""
        return claims.assign(self.project, reader, asked, numbers)

    def request(
        self, case_id: str, organ_name: str, *, reader: str | None = None, n_readings: int = 1, why: str = ""
    ) -> Task:
        """Ask for a look at an organ; see `claims.request`."""
        project = self.project
        return claims.request(project, case_id, organ_name, reader=reader, n_readings=n_readings, why=why)

    def comment(self, number: int, text: str, *, by: str = OWNER) -> Revision:
        """Add a person's words to a revision; no such revision raises `ReviewError`."""
        with self.project.store.together():
            found = self.project.store.revisions.get(number)
            if found is None:
                raise ReviewError(f"there is no revision {number}; `omentum review history` lists them")
            line = f"{by}: {text}"
            joined = f"{found.comment}\n{line}" if found.comment else line
            self.project.store.revisions.keep_comment(number, joined)
        return self.project.store.revisions.get(number) or found

    def history(self, case_id: str, organ_name: str) -> History:
        """Tell all that happened to an organ, and which mask stands and why."""
        return history(self.project, case_id, organ(organ_name).name)

    def adjudicate(
        self, case_id: str, organ_name: str, number: int, *, by: str = OWNER, why: str = ""
    ) -> Decision:
        """Let one revision stand where readings disagree; see `decide.adjudicate`."""
        return decide.adjudicate(self.project, case_id, organ_name, number, by=by, why=why)

    def prefer(
        self,
        case_id: str,
        organ_name: str,
        *,
        number: int | None = None,
        by: str = OWNER,
        why: str = "",
    ) -> Decision:
        """Let a revision stand over the original label; see `decide.prefer`."""
        return decide.prefer(self.project, case_id, organ_name, number=number, by=by, why=why)

    def restore(
        self, case_id: str, organ_name: str, to: int | MaskSource, *, by: str = OWNER, why: str = ""
    ) -> Decision:
        """Let an earlier mask stand again; see `decide.restore`."""
        return decide.restore(self.project, case_id, organ_name, to, by=by, why=why)

    def confirm(
        self,
        rule: str,
        case_ids: Sequence[str],
        *,
        organs: Collection[str] = (),
        by: str = OWNER,
        why: str = "",
    ) -> list[Confirmation]:
        """Say of all findings of a rule in some cases that they are no errors; see `decide.confirm`."""
        return decide.confirm(self.project, rule, case_ids, organs=organs, by=by, why=why)


def list_tasks(project: Project, round_number: int | None = None) -> list[ListedTask]:
    """Give the tasks of a round by rank.

    Where none is named, those of the current round, and before them those of earlier rounds that readers
    still have or whose readings disagree.
    """
    store = project.store
    number = store.rounds.current().number if round_number is None else round_number
    earlier = store.tasks.out_before(number) if round_number is None else []
    tasks = [*earlier, *store.tasks.of_round(number)]
    out = {one: store.leases.all(pool_of(one)) for one in {task.round_number for task in tasks}}
    return [ListedTask(task=task, leases=out[task.round_number].get(str(task.number), ())) for task in tasks]
