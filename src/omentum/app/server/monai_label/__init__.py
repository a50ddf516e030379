"""Answer the REST API of MONAI Label, so that its clients work unchanged."""
