"""``v1PredictionSchema``: what the inputs and outputs of a model mean."""

import re
from typing import Any

import msgspec

from modelyard.core.kernel.errors import invalid

FEATURE_TYPES = frozenset({"REAL", "CATEGORICAL", "PROBA", "ONE_HOT", "TEXT", "TENSOR"})
DATA_TYPES = frozenset({"FLOAT", "INT", "BOOL", "STRING", "BYTES"})
_FEATURES_MAX, _BYTES_MAX, _NAME_MAX = 2000, 256 * 1024, 200
_INT64 = 2**63


class FeatureCategorySchema(msgspec.Struct, omit_defaults=True):
    """``v1FeatureCategorySchema``."""

    name: str
    dataType: str | None = None  # noqa: N815  # names of the wire


class FeatureSchema(msgspec.Struct, omit_defaults=True):
    """``v1FeatureSchema``; numbers come as numbers or as text."""

    name: str
    type: str
    dataType: str | None = None  # noqa: N815
    nCategories: str | int | None = None  # noqa: N815
    categoryMap: dict[str, str] | None = None  # noqa: N815
    schema: list[FeatureCategorySchema] | None = None
    shape: list[str | int] | None = None


class PredictionSchema(msgspec.Struct):
    """``v1PredictionSchema``."""

    requests: list[FeatureSchema]
    responses: list[FeatureSchema]


def checked_schema(given: PredictionSchema | None) -> dict[str, Any] | None:
    """The schema as it is kept, with numbers as text; ``INVALID`` names the field that is wrong."""
    if given is None:
        return None
    kept = {
        side: [_feature(feature, f"predictionSchema.{side}[{at}]") for at, feature in enumerate(features)]
        for side, features in (("requests", given.requests), ("responses", given.responses))
    }
    if sum(map(len, kept.values())) > _FEATURES_MAX or len(msgspec.json.encode(kept)) > _BYTES_MAX:
        raise invalid(
            f"predictionSchema is too large: at most {_FEATURES_MAX} features and {_BYTES_MAX} bytes are kept",
            field="predictionSchema",
        )
    return kept


def _feature(feature: FeatureSchema, place: str) -> dict[str, Any]:
    _check(f"{place}.type", feature.type, FEATURE_TYPES)
    _check(f"{place}.dataType", feature.dataType or "FLOAT", DATA_TYPES)
    _check_name(f"{place}.name", feature.name)
    for at, category in enumerate(feature.schema or []):
        _check_name(f"{place}.schema[{at}].name", category.name)
        _check(f"{place}.schema[{at}].dataType", category.dataType or "FLOAT", DATA_TYPES)
    kept: dict[str, Any] = msgspec.to_builtins(feature)
    if feature.nCategories is not None:
        kept["nCategories"] = _whole(f"{place}.nCategories", feature.nCategories)
    if feature.shape is not None:
        kept["shape"] = [_whole(f"{place}.shape", size) for size in feature.shape]
    return kept


def _check(field: str, given: str, known: frozenset[str]) -> None:
    if given not in known:
        raise invalid(f"{field} {given[:40]!r} is unknown; use one of {', '.join(sorted(known))}", field=field)


def _check_name(field: str, given: str) -> None:
    if not given or len(given) > _NAME_MAX or not given.isprintable():
        raise invalid(f"{field} must have 1 to {_NAME_MAX} printable characters", field=field)


def _whole(field: str, given: str | int) -> str:
    """An int64, as text: that is how it is sent (JSON has no 64 bits everywhere)."""
    text = str(given)
    if not re.fullmatch("-?[0-9]{1,19}", text) or not -_INT64 <= int(text) < _INT64:
        raise invalid(f"{field} {text[:40]!r} is not a whole number of 64 bits", field=field)
    return str(int(text))
