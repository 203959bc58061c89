"""Experiments, runs and what they log, logged models, and the registry's side of models. Knows no wire format."""
