"""Pictures and sounds as pipelines of transformers take them.

Texts never get there: a pipeline opens them as a file's name or an address.
"""

from typing import Any

import numpy as np

from modelyard_runtime.model import Array, Rejected

_CHANNELS = (1, 3, 4)


def picture(pixels: Any) -> Any:
    """An image of PIL from [height,width] shades of grey, or [height,width,1 or 3 or 4] colours, each from 0 to 255."""
    from PIL import Image  # noqa: PLC0415  # environments for texts alone may be without it

    values = _numbers(pixels)
    if values.dtype.kind not in "iu" or not values.size or values.min() < 0 or values.max() > 255:
        raise Rejected("A picture is whole numbers from 0 to 255: the colours of its pixels.")
    if values.ndim != 2 and (values.ndim != 3 or values.shape[2] not in _CHANNELS):
        message = f"A picture is [height,width,3], the 3 for red, green and blue; this one is {list(values.shape)}."
        raise Rejected(message)
    grey = values.ndim == 3 and values.shape[2] == 1
    return Image.fromarray((values[:, :, 0] if grey else values).astype(np.uint8)).convert("RGB")


def sound(samples: Any, rate: Any, wanted: int) -> Array:
    """Samples as float32, taken ``wanted`` times a second, which is what ``rate`` must say unless it is None."""
    values = _numbers(samples)
    if values.ndim != 1 or not values.size or values.dtype.kind not in "fiu" or not np.isfinite(values).all():
        raise Rejected("A sound is a list of finite numbers: the samples of one channel.")
    if rate is not None and rate != wanted:
        raise Rejected(f"The model takes {wanted} samples a second; the input has {rate}: resample it before.")
    return values.astype(np.float32)


def _numbers(values: Any) -> Array:
    try:
        return np.asarray(values)
    except ValueError as error:  # lists of unequal length
        raise Rejected(f"The input 'inputs' has no regular shape: {error}.") from error
