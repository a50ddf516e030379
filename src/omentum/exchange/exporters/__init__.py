"""Write releases in the layouts of other programs, one file a format."""
