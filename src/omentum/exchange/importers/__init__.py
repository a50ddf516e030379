"""Read CTs, labels and masks that other programs made, one file a format."""
