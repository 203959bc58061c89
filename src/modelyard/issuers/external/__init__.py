"""External OpenID issuers: their keys, fetched and kept, and their access tokens, verified and mapped to users.

Nothing here trusts an issuer further than its tokens: what it sends is bounded in size and time and read with care.
"""
