"""Where a signed-in user's tokens wait for the next command: one file per server, mode 0600.

The folder is ``$XDG_CONFIG_HOME/modelyard`` (``~/.config/modelyard``). ``current`` in it names the server of the
last sign-in; ``tokens/`` has the files.
"""

import hashlib
import json
import os
import re
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from modelyard.client.tokens import Tokens


def config_folder(environ: Mapping[str, str]) -> Path:
    """The user's folder for this program; a relative XDG_CONFIG_HOME is ignored as its specification says."""
    configured = Path(environ.get("XDG_CONFIG_HOME", ""))
    base = configured if configured.is_absolute() else Path.home() / ".config"
    return base / "modelyard"


@dataclass(frozen=True)
class TokenCache:
    """Tokens kept in a folder between processes."""

    folder: Path

    def load(self, url: str) -> Tokens | None:
        """The tokens kept for a server, or None when there are none that can be read."""
        try:
            content = json.loads(self._file(url).read_text("utf-8"))
            return Tokens(**content["tokens"]) if content["url"] == url else None
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def save(self, url: str, tokens: Tokens) -> None:
        """Keep the tokens of a server. Another process sees the old file or the new one, never half of it."""
        _write_private(self._file(url), json.dumps({"url": url, "tokens": asdict(tokens)}))

    def forget(self, url: str) -> bool:
        """Drop the tokens of a server; says whether there were any."""
        try:
            self._file(url).unlink()
        except FileNotFoundError:
            return False
        return True

    def current_url(self) -> str | None:
        """The server of the last sign-in."""
        try:
            return (self.folder / "current").read_text("utf-8").strip() or None
        except OSError:
            return None

    def set_current_url(self, url: str) -> None:
        """Make a server the one that commands mean when nothing else says."""
        _write_private(self.folder / "current", url + "\n")

    def _file(self, url: str) -> Path:
        readable = re.sub(r"[^A-Za-z0-9.]+", "-", url.partition("://")[2]).strip("-")
        return self.folder / "tokens" / f"{readable}-{hashlib.sha256(url.encode()).hexdigest()[:8]}.json"


def _write_private(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".new-")  # mkstemp makes it 0600
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
