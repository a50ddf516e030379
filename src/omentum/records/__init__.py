"""The nouns that stages hand each other: frozen, small, with paths and never arrays."""

from omentum.records.batches import Batch, Failure
from omentum.records.cases import Arrival, Case, LabelVersion, MaskSource, Prediction, Tombstone
from omentum.records.findings import WHOLE_CT, Confirmation, MaskFinding
from omentum.records.masks import HeldMask, LabelledCase, StandingMask
from omentum.records.networks import NetworkRecord, Release, Round
from omentum.records.patients import LinkKind, PatientIdentity, PatientLink, Shared
from omentum.records.review import Claim, Decision, DecisionKind, Revision, Says, Task, TaskKind, TaskState
from omentum.records.scores import Audit, CaseScore, OrganScore

__all__ = [
    "WHOLE_CT",
    "Arrival",
    "Audit",
    "Batch",
    "Case",
    "CaseScore",
    "Claim",
    "Confirmation",
    "Decision",
    "DecisionKind",
    "Failure",
    "HeldMask",
    "LabelVersion",
    "LabelledCase",
    "LinkKind",
    "MaskFinding",
    "MaskSource",
    "NetworkRecord",
    "OrganScore",
    "PatientIdentity",
    "PatientLink",
    "Prediction",
    "Release",
    "Revision",
    "Round",
    "Says",
    "Shared",
    "StandingMask",
    "Task",
    "TaskKind",
    "TaskState",
    "Tombstone",
]
