"""Who may do what: permissions, roles, grants, and the one check that every use-case makes first.

Knows principals and resources as opaque ids. Does not know users, tokens, workspaces' contents or HTTP.
"""
