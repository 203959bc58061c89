"""Identifiers that the core makes itself. Integer ids come from the store."""

import uuid


def new_uuid() -> str:
    """A random UUID (RFC 9562, version 4) in its canonical text form."""
    return str(uuid.uuid4())
