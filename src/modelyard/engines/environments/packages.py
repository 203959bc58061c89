"""Where packages may come from: what the operator chose, and nothing that a model or this machine says."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Packages:
    """The settings ``package_*``, see ``docs/reference/configuration.md``.

    A package is looked for in ``folders``, then in ``extra_indexes``, then in ``index`` (None: uv's default); the first
    of these that has it under any version is the only one that counts, so that a name of one's own cannot be taken over
    from a public index. ``offline`` leaves the folders alone. ``sources`` allows packages that are built here.
    """

    index: str | None = field(default=None, repr=False)
    extra_indexes: tuple[str, ...] = field(default=(), repr=False)
    folders: tuple[Path, ...] = ()
    offline: bool = False
    sources: bool = False

    def uv_toml(self) -> str:
        """A configuration file of uv; it may hold passwords of indexes."""
        tables = [_table(url, flat, default=default) for url, flat, default in self._places()]
        nowhere = "no-index = true\n" if self.offline and not self.folders else ""
        return nowhere + "\n".join(tables)

    def flags(self) -> list[str]:
        """What every call of uv needs to be told beside it."""
        return [*(["--offline"] if self.offline else []), *([] if self.sources else ["--only-binary", ":all:"])]

    def hidden(self, text: str) -> str:
        """The text without the addresses and paths that are the operator's business alone."""
        for folder in self.folders:
            text = text.replace(folder.as_uri(), "a package folder").replace(str(folder), "a package folder")
        for url in (*self.extra_indexes, *([self.index] if self.index else [])):
            text = text.replace(url, "a package index")
        return text

    def _places(self) -> Iterator[tuple[str, bool, bool]]:
        for folder in self.folders:
            yield folder.as_uri(), True, self.offline and folder == self.folders[-1]
        if not self.offline:
            yield from ((url, False, False) for url in self.extra_indexes)
            yield from ((url, False, True) for url in [self.index] if url)


def _table(url: str, flat: bool, *, default: bool) -> str:
    lines = ["[[index]]", f"url = {json.dumps(url, ensure_ascii=False)}"]
    lines += ['format = "flat"'] if flat else []
    lines += ["default = true"] if default else []
    return "\n".join(lines) + "\n"
