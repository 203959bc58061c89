"""OpenID Connect in Keycloak's URL layout, and the part of Keycloak's admin API that clients call."""

from modelyard.dialects.openid import (
    admin,
    admin_clients,
    admin_credentials,
    admin_groups,
    admin_memberships,
    admin_realm,
    admin_role_mappings,
    admin_roles,
    admin_sessions,
    attack_detection,
    authorize,
    copied_code,
    device,
    discovery,
    logout,
    token,
)
from modelyard.dialects.openid.dialect import openid

__all__ = [
    "admin",
    "admin_clients",
    "admin_credentials",
    "admin_groups",
    "admin_memberships",
    "admin_realm",
    "admin_role_mappings",
    "admin_roles",
    "admin_sessions",
    "attack_detection",
    "authorize",
    "copied_code",
    "device",
    "discovery",
    "logout",
    "openid",
    "token",
]
