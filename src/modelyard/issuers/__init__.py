"""Who vouches for callers. Today: the embedded OpenID provider."""
