"""What goes into a model and comes out of it."""

from typing import Any

from numpy.typing import NDArray

InferenceData = dict[str, NDArray[Any]]
"""Arrays by the name of their field, each with a row for each row of the request."""
