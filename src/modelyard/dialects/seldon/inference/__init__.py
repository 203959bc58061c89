"""Seldon's own protocol of inference: messages in, messages out, see ``web.inference``."""
