"""Content-addressed files: see ``core.catalogue.artifacts``. Today: a local folder."""
