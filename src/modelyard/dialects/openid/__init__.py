"""OpenID Connect in Keycloak's URL layout, and the part of Keycloak's admin API that clients call."""

from modelyard.dialects.openid import admin, attack_detection, authorize, clients, device, discovery, logout, token
from modelyard.dialects.openid.dialect import openid

__all__ = ["admin", "attack_detection", "authorize", "clients", "device", "discovery", "logout", "openid", "token"]
