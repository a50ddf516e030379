"""The nouns that stages hand each other: frozen, small, with paths and never arrays."""

from omentum.records.batches import Batch, Failure
from omentum.records.cases import Arrival, Case, LabelVersion, MaskSource, Prediction, Tombstone
from omentum.records.findings import WHOLE_CT, Confirmation, MaskFinding
from omentum.records.masks import HeldBackMask, LabelledCase, StandingMask
from omentum.records.networks import NetworkRecord, Release, Round
from omentum.records.patients import LinkKind, PatientIdentity, PatientLink, Shared
from omentum.records.review import Decision, DecisionKind, ReaderAnswer, Revision, Task, TaskKind, TaskState
from omentum.records.scores import Audit, AuditDraw, CaseScore, OrganScore

__all__ = [
    "WHOLE_CT",
    "Arrival",
    "Audit",
    "AuditDraw",
    "Batch",
    "Case",
    "CaseScore",
    "Confirmation",
    "Decision",
    "DecisionKind",
    "Failure",
    "HeldBackMask",
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
    "ReaderAnswer",
    "Release",
    "Revision",
    "Round",
    "Shared",
    "StandingMask",
    "Task",
    "TaskKind",
    "TaskState",
    "Tombstone",
]
