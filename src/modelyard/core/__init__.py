"""The core: plain Python. It knows no web framework, no SQL, no files and no vendor's names."""
