"""The graph of models that a deployment runs: one engine for every dialect.

``plan`` is its JSON form, ``compiling`` makes a ``Graph`` of a plan and loaded models, ``nodes`` run.
"""
