"""The HTTP edge that all dialects share: declared routes, authentication, bodies, errors.

Knows Starlette and the core. Does not know any dialect, and decides no permission itself.
"""
