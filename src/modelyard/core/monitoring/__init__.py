"""What was asked and answered: the inference log's port. Knows no files and no web."""
