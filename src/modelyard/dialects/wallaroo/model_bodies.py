"""What the calls about models take. The API's odd names for a model's name and number stay in here."""

from typing import Annotated, Any

import msgspec

from modelyard.core.catalogue.models import NewConfig

Count = Annotated[int, msgspec.Meta(ge=1, le=2**31 - 1)]


class ListBody(msgspec.Struct):
    """In which workspace; in all of the caller's without one."""

    workspace_id: int | None = None
    workspace_name: str | None = None


class NamedBody(msgspec.Struct):
    """A model by name (the API calls it ``model_id``) in a workspace."""

    model_id: str
    workspace_id: int
    confirm_delete: bool = False


class VersionsBody(msgspec.Struct):
    """Versions by uuid."""

    model_versions: list[str]
    confirm_delete: bool = False


class OfModelBody(msgspec.Struct):
    """A model by name (``model_id``) or number (``models_pk_id``)."""

    model_id: str | None = None
    models_pk_id: int | None = None


class VersionBody(msgspec.Struct):
    """A version by number."""

    model_version_id: int
    lines: int | None = None


class IdBody(msgspec.Struct):
    """A model by number."""

    id: int


class ConfigOfBody(msgspec.Struct):
    """A version by number (the API calls it ``model_id``)."""

    model_id: int


class DynamicBatching(msgspec.Struct):
    """When to run what has gathered; clients read the first two back as numbers, so they always have one."""

    batch_size_target: Count = 4
    max_batch_delay_ms: Count = 10
    batch_size_limit: Count | None = None


class ContinuousBatching(msgspec.Struct):
    """How many requests may run at a time."""

    max_concurrent_batch_size: Count


class OpenAi(msgspec.Struct):
    """Whether and how a version answers the calls of OpenAI's API."""

    enabled: bool = False
    completion_config: dict[str, Any] | None = None
    chat_completion_config: dict[str, Any] | None = None


class ConfigBody(msgspec.Struct):
    """A new configuration of a version."""

    model_version_id: int
    tensor_fields: list[str] | None = None
    filter_threshold: float | None = None
    input_schema: str | None = None
    output_schema: str | None = None
    batch_config: str | None = None
    dynamic_batching_config: DynamicBatching | None = None
    continuous_batching_config: ContinuousBatching | None = None
    openai_config: OpenAi | None = None

    def config(self) -> NewConfig:
        """As the core takes it."""
        return NewConfig(
            self.tensor_fields,
            self.filter_threshold,
            self.input_schema,
            self.output_schema,
            self.batch_config,
            msgspec.to_builtins(self.dynamic_batching_config),
            msgspec.to_builtins(self.continuous_batching_config),
            msgspec.to_builtins(self.openai_config),
        )
