"""The native API below ``/api/v1``: JSON, and errors as problem details (RFC 9457)."""

from modelyard.dialects.native import (
    audit,
    deployments,
    grants,
    groups,
    log_retention,
    logs,
    models,
    replays,
    rollouts,
    service_accounts,
    tokens,
)
from modelyard.dialects.native.dialect import native

__all__ = [
    "audit",
    "deployments",
    "grants",
    "groups",
    "log_retention",
    "logs",
    "models",
    "native",
    "replays",
    "rollouts",
    "service_accounts",
    "tokens",
]
