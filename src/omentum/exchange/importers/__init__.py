"""Find CTs, and what came with them, in files and folders of any layout."""
