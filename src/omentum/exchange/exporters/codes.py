"""Give the SNOMED CT codes of organs as pydicom writes them: category, type, side, and anatomic region."""

from dataclasses import dataclass

from pydicom.sr.coding import Code

from omentum.volumes.anatomy_terms import Term, anatomy_terms

__all__ = ["AnatomyCode", "anatomy_code"]


@dataclass(frozen=True, slots=True, kw_only=True)
class AnatomyCode:
    """Codes of an organ in DICOM; see `AnatomyTerms`."""

    category: Code
    kind: Code
    side: Code | None = None
    region: Code | None = None


def anatomy_code(name: str) -> AnatomyCode:
    """Give the codes of an organ.

    Raises:
        UnknownOrganError: No organ has that name.

    Example:
        >>> code = anatomy_code("kidney_left")
        >>> code.kind.meaning, code.side.meaning
        ('Kidney', 'Left')
    """
    terms = anatomy_terms(name)
    return AnatomyCode(
        category=_sct(terms.category),
        kind=_sct(terms.kind),
        side=None if terms.side is None else _sct(terms.side),
        region=None if terms.region is None else _sct(terms.region),
    )


def _sct(term: Term) -> Code:
    return Code(term.value, "SCT", term.meaning)
