"""The native API below ``/api/v1``: JSON, pages with cursors, errors as problem details (RFC 9457)."""

from modelyard.dialects.native import audit
from modelyard.dialects.native.dialect import native

__all__ = ["audit", "native"]
