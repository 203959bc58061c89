"""Inference: a bare ASGI application that answers before any framework is asked."""
