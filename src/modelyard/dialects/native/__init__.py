"""The native API below ``/api/v1``: JSON, and errors as problem details (RFC 9457)."""

from modelyard.dialects.native import audit, grants, groups, service_accounts, tokens
from modelyard.dialects.native.dialect import native

__all__ = ["audit", "grants", "groups", "native", "service_accounts", "tokens"]
