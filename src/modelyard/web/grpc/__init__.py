"""Unary gRPC calls over HTTP/2 on the event loop of a worker; needs the extra ``grpc``.

gRPC's own package for Python answers on threads of its own, and takes more time for a call than a small model does.
"""
