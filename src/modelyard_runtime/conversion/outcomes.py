"""What may come of a conversion beside a model."""


class NotConvertible(Exception):  # noqa: N818  # an outcome: the model is then served by its own framework
    """There is no ONNX model that answers as this one does; the message says why."""
