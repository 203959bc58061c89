"""Users, credentials, OAuth clients and sessions. Knows no HTTP, no JOSE and no hash function."""
