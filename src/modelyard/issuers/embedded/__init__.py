"""The embedded OpenID provider: keys, passwords, tokens, grants. HTTP is the ``openid`` dialect's matter."""
