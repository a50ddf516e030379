"""De-identify a DICOM series: copy the attributes on a list of technical ones, and replace identifiers.

Less stays than the Basic Application Level Confidentiality Profile of DICOM PS3.15 allows. A list of what
stays is safer than one of what goes: private and future attributes go without being known. Identifiers are
keyed, so that series, studies and patients stay together. Files with names burned into pixels are refused.
"""

import hashlib
import hmac
from collections.abc import Sequence
from pathlib import Path

import pydicom
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.errors import InvalidDicomError
from pydicom.sequence import Sequence as Items
from pydicom.uid import PYDICOM_IMPLEMENTATION_UID

from omentum.errors import DicomSeriesError
from omentum.exchange.patient_tags import is_placeholder
from omentum.names import pseudonym
from omentum.volumes.atomic import writing
from omentum.volumes.dicom_files import read_dataset
from omentum.volumes.library_errors import reading

__all__ = ["KEPT", "deidentified", "write_deidentified"]

KEPT = frozenset(
    {
        *("SpecificCharacterSet", "ImageType", "SOPClassUID", "Modality", "ConversionType"),
        *("PatientPosition", "BodyPartExamined", "ScanOptions", "SliceThickness", "KVP"),
        *("DataCollectionDiameter", "ReconstructionDiameter", "DistanceSourceToDetector"),
        *("DistanceSourceToPatient", "GantryDetectorTilt", "TableHeight", "RotationDirection"),
        *("ExposureTime", "XRayTubeCurrent", "Exposure", "FilterType", "GeneratorPower", "FocalSpots"),
        *("ConvolutionKernel", "SpiralPitchFactor", "SingleCollimationWidth", "TotalCollimationWidth"),
        *("TableSpeed", "TableFeedPerRotation", "SpacingBetweenSlices", "CTDIvol", "RevolutionTime"),
        *("SeriesNumber", "AcquisitionNumber", "InstanceNumber", "ImagePositionPatient"),
        *("ImageOrientationPatient", "SliceLocation", "TemporalPositionIndex"),
        *("NumberOfTemporalPositions", "ImagesInAcquisition", "SamplesPerPixel"),
        *("PhotometricInterpretation", "Rows", "Columns", "PixelSpacing", "BitsAllocated", "BitsStored"),
        *("HighBit", "PixelRepresentation", "SmallestImagePixelValue", "LargestImagePixelValue"),
        *("PixelPaddingValue", "PixelPaddingRangeLimit", "WindowCenter", "WindowWidth"),
        *("RescaleIntercept", "RescaleSlope", "RescaleType", "PixelData", "LossyImageCompression"),
        *("LossyImageCompressionRatio", "LossyImageCompressionMethod", "PixelAspectRatio"),
    }
)
"""Attributes about acquisition and geometry, not about the person or the date."""

_UIDS = ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID", "FrameOfReferenceUID")
_EMPTY = (
    *("PatientBirthDate", "StudyDate", "StudyTime", "AccessionNumber", "ReferringPhysicianName", "StudyID"),
    *("Manufacturer", "PositionReferenceIndicator", "PatientSex"),
)
"""Attributes that a CT must have, perhaps empty."""
_UID_ROOT = "2.25."


def deidentified(header: pydicom.FileDataset, secret: bytes, *, series: str = "") -> pydicom.FileDataset:
    """Copy a file's technical attributes, with keyed identifiers in place of its own.

    Args:
        header: As read, voxels and all.
        secret: The project's, the key of the identifiers.
        series: Identifies the series if its headers lack identifiers.

    Raises:
        DicomSeriesError: Its header says that its pixels name a person, or it is an enhanced file.
    """
    if "PerFrameFunctionalGroupsSequence" in header:
        seen = "it is an enhanced file, and what stays of its frames' headers is not listed"
        raise DicomSeriesError(header.filename or "file", seen, "export it as one file a slice")
    if header.get("BurnedInAnnotation", "NO") == "YES":
        raise DicomSeriesError(
            header.filename or "file", "names are burned into its pixels", "black them out first"
        )
    kept = Dataset()
    for element in header:
        if element.keyword in KEPT:
            kept.add(element)
    for name in _EMPTY:
        setattr(kept, name, None)
    for name in _UIDS:
        setattr(
            kept, name, _keyed_uid(secret, name, str(header.get(name) or _instance(header, name, series)))
        )
    identity = str(header.get("PatientID", "") or "").strip()
    kept.PatientID = kept.PatientName = (
        "anonymous" if is_placeholder(identity) else pseudonym(secret, identity)
    )
    kept.PatientIdentityRemoved = "YES"
    kept.DeidentificationMethod = "attributes kept by list, identifiers keyed"
    kept.DeidentificationMethodCodeSequence = Items(
        [_code("113100", "Basic Application Confidentiality Profile")]
    )
    return _with_preamble(kept, header)


def write_deidentified(files: Sequence[Path], folder: Path, secret: bytes) -> list[Path]:
    """Write copies of a series' files as `0001.dcm` and so on, in the order given.

    Raises:
        DicomSeriesError: A file cannot be read, or its pixels name a person.
    """
    paths = []
    for number, path in enumerate(files, start=1):
        try:
            header = read_dataset(path)
        except (InvalidDicomError, OSError, EOFError):
            raise DicomSeriesError(path, "it cannot be read", "copy it again from its source") from None
        paths.append(folder / f"{number:04d}.dcm")
        with writing(paths[-1]) as part, reading(path):
            deidentified(header, secret, series=str(files[0])).save_as(part, enforce_file_format=True)
    return paths


def _instance(header: pydicom.FileDataset, name: str, series: str) -> str:
    """Replace a missing identifier, that of the instance by the one in the meta header."""
    meta = str(header.file_meta.get("MediaStorageSOPInstanceUID", "") or "")
    return meta if name == "SOPInstanceUID" else f"{name} of {series}"


def _keyed_uid(secret: bytes, name: str, uid: str) -> str:
    digest = hmac.new(secret, f"{name} {uid}".encode(), hashlib.sha256).digest()
    return f"{_UID_ROOT}{int.from_bytes(digest[:16])}"


def _code(value: str, meaning: str) -> Dataset:
    code = Dataset()
    code.CodeValue, code.CodingSchemeDesignator, code.CodeMeaning = value, "DCM", meaning
    return code


def _with_preamble(kept: Dataset, header: pydicom.FileDataset) -> pydicom.FileDataset:
    """Give the contents a new meta header, as the old one names the sender."""
    if not kept.get("SOPClassUID"):  # some exporters say it in the meta header alone
        kept.SOPClassUID = header.file_meta.MediaStorageSOPClassUID
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = kept.SOPClassUID
    meta.MediaStorageSOPInstanceUID = kept.SOPInstanceUID
    meta.TransferSyntaxUID = header.file_meta.TransferSyntaxUID
    meta.ImplementationClassUID = PYDICOM_IMPLEMENTATION_UID
    return pydicom.FileDataset("", kept, preamble=bytes(128), file_meta=meta)
