"""Answer DICOMweb: search (QIDO-RS) and retrieve (WADO-RS) CTs and the masks that a reader is shown."""
