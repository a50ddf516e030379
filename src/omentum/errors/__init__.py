"""Every error this package raises on purpose: what a user can put right.

OmentumError
├── ConfigError                a setting has a value the run cannot use
├── ImageError                 a file or folder is not a CT or a mask that can be used
│   ├── UnreadableImageError       truncated, not gzip, not an image
│   ├── UnreachableFileError       the disk or the network share does not give it now
│   ├── ImageShapeError            not three axes, or a side out of range
│   ├── AffineError                no usable affine, or a spacing out of range
│   ├── NonFiniteVoxelsError       NaN or infinite voxels
│   ├── NotHounsfieldError         values that cannot be Hounsfield units (HU)
│   ├── DicomSeriesError           no single, complete, upright series
│   ├── GridMismatchError          a mask does not lie on the CT's grid
│   └── LabelValueError            a mask holds values that are no labels
├── UnknownOrganError          no organ of that name or index
├── UnknownNetworkError        no network is known under that name
├── CheckpointError            weights do not fit, or carry code
├── DownloadError              a file could not be brought from its address
├── UploadError                a file could not be taken to its address
├── ProjectError               a project is missing, exists already, or is in the wrong state
│   ├── BackupError                a backup cannot be written, or is not as it was written
│   ├── CaseClashError             two cases would have one `case_id`
│   ├── ErasedCaseError            a CT was erased from the project
│   ├── OutdatedRunError           another program predicts with other settings since
│   ├── SharedFileError            two machines would work on one SQLite file
│   ├── TakenError                 a person of that name is there already
│   └── UnknownCaseError           no case of that name
├── ReviewError                a task or a revision cannot be taken
│   ├── ClaimedError               another reader has the task
│   ├── EditsError                 edits are damaged, or do not fit the CT
│   │   └── TooLargeError              edits hold more than is taken
│   ├── HiddenError                the task does not show this to its reader
│   ├── MissingError               no such mask, draft or save
│   └── StaleBaseError             the mask that edits began with is no longer the one there
├── AccessError                a browser or a program is not let in
├── BusyError                  the server has as much to do as it takes
├── JobError                   a job ended its process, or took more than a job may
├── ReleaseError               a release exists already or cannot be made
├── TuneError                  there is nothing to tune on, or the loss is not finite
└── DiskFullError              there is no space left to write to

Each message gives the value seen, the rule, and the cure.
"""

from omentum.errors.base import OmentumError
from omentum.errors.images import (
    AffineError,
    CheckpointError,
    DicomSeriesError,
    DownloadError,
    GridMismatchError,
    ImageError,
    ImageShapeError,
    LabelValueError,
    NonFiniteVoxelsError,
    NotHounsfieldError,
    UnreachableFileError,
    UnreadableImageError,
    UploadError,
)
from omentum.errors.projects import (
    BackupError,
    CaseClashError,
    ErasedCaseError,
    OutdatedRunError,
    ProjectError,
    SharedFileError,
    TakenError,
    UnknownCaseError,
)
from omentum.errors.reviews import (
    AccessError,
    BusyError,
    ClaimedError,
    EditsError,
    HiddenError,
    MissingError,
    ReviewError,
    StaleBaseError,
    TooLargeError,
)
from omentum.errors.runs import (
    ConfigError,
    DiskFullError,
    JobError,
    ReleaseError,
    TuneError,
    UnknownNetworkError,
    UnknownOrganError,
)

__all__ = [
    "AccessError",
    "AffineError",
    "BackupError",
    "BusyError",
    "CaseClashError",
    "CheckpointError",
    "ClaimedError",
    "ConfigError",
    "DicomSeriesError",
    "DiskFullError",
    "DownloadError",
    "EditsError",
    "ErasedCaseError",
    "GridMismatchError",
    "HiddenError",
    "ImageError",
    "ImageShapeError",
    "JobError",
    "LabelValueError",
    "MissingError",
    "NonFiniteVoxelsError",
    "NotHounsfieldError",
    "OmentumError",
    "OutdatedRunError",
    "ProjectError",
    "ReleaseError",
    "ReviewError",
    "SharedFileError",
    "StaleBaseError",
    "TakenError",
    "TooLargeError",
    "TuneError",
    "UnknownCaseError",
    "UnknownNetworkError",
    "UnknownOrganError",
    "UnreachableFileError",
    "UnreadableImageError",
    "UploadError",
]
