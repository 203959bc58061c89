"""The implementations that a unit of a SeldonDeployment may name (shared/spec/seldon.md, 4.4 to 4.6)."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Implementation:
    """What an implementation is: the type of its units (``fixed`` when no other will do) and the protocols it speaks.

    ``server`` tells that it serves a model, ``bandit`` that it learns from feedback.
    """

    kind: str
    fixed: bool = True
    server: bool = False
    bandit: bool = False
    protocols: tuple[str, ...] = ("seldon", "v2", "kfserving")


_SERVER = Implementation("MODEL", fixed=False, server=True)
_BANDIT = Implementation("ROUTER", bandit=True)

IMPLEMENTATIONS = {
    "ONNX_SERVER": _SERVER,
    "SKLEARN_SERVER": _SERVER,
    "XGBOOST_SERVER": _SERVER,
    "MLFLOW_SERVER": _SERVER,
    "TRITON_SERVER": Implementation("MODEL", fixed=False, server=True, protocols=("v2", "kfserving")),
    "HUGGINGFACE_SERVER": Implementation("MODEL", fixed=False, server=True, protocols=("v2", "kfserving")),
    "SIMPLE_MODEL": Implementation("MODEL"),
    "SIMPLE_ROUTER": Implementation("ROUTER"),
    "RANDOM_ABTEST": Implementation("ROUTER"),
    "AVERAGE_COMBINER": Implementation("COMBINER"),
    "EPSILON_GREEDY": _BANDIT,
    "THOMPSON_SAMPLING": _BANDIT,
}
"""By name; the last two are ours, for what Seldon ships as container images."""

SERVERS = frozenset(name for name, each in IMPLEMENTATIONS.items() if each.server)

REFUSED = {
    "TENSORFLOW_SERVER": "there is no TensorFlow runtime here; convert the model to ONNX and use ONNX_SERVER",
    "TEMPO_SERVER": "Tempo is no longer maintained; describe the steps as a graph of units instead",
}

IMAGES = {"mab_epsilon_greedy": "EPSILON_GREEDY", "mab_thompson_sampling": "THOMPSON_SAMPLING"}
"""Container images that stand for an implementation of ours, by their last part."""


def wrong_protocol(implementation: str, protocol: str) -> str | None:
    """Why the implementation cannot speak the deployment's protocol; None when it can."""
    if protocol in IMPLEMENTATIONS[implementation].protocols:
        return None
    if protocol == "tensorflow":
        return "cannot speak the protocol 'tensorflow': there is no TensorFlow runtime here; use 'seldon' or 'v2'"
    return f"speaks the protocols {', '.join(IMPLEMENTATIONS[implementation].protocols)}, not {protocol!r}"
