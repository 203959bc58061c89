"""Reads YAML that nobody vouches for."""

from typing import Any

import yaml

from modelyard.core.kernel.errors import invalid

_SHOWN = 200


def read_plain_yaml(content: bytes, name: str) -> Any:
    """Texts, lists and mappings, whatever tags say; ``INVALID``, which names the file, when it is no such YAML.

    The caller limits the size: reading takes seconds for each megabyte.
    """
    try:
        return yaml.load(content, Loader=_PlainLoader)  # noqa: S506  # it makes less than a SafeLoader
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError, ValueError) as error:
        raise invalid(f"{name} is not a YAML file: {str(error).splitlines()[0][:_SHOWN]!r}") from error


class _PlainLoader(yaml.BaseLoader):
    """Texts, lists and mappings only, whatever tags say; no aliases, which can make a small file a huge value."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.AliasEvent):
            raise yaml.YAMLError("aliases are not allowed")
        return super().compose_node(parent, index)
