"""What the process that searches may have at most."""

ADDRESS_SPACE = 3 * 1024**3
FILE_BYTES = 4 * 1024**3
