"""What a model's process says, as it may be kept and shown: it may say whatever it likes."""

from modelyard_runtime.serving import without_folders


def shown(said: str | bytes, most: int) -> str:
    """At most so many characters that every database takes, without the folders of this machine."""
    text = said if isinstance(said, str) else said.decode(errors="replace")
    kept = text.encode(errors="replace").decode().replace("\0", "")  # JSON can name halves of characters
    return without_folders(kept)[:most]
