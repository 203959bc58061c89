"""Inference before any framework: one way through the server for every protocol."""
