"""A SeldonMessage as requests bring it: what of it counts here."""

from typing import Any

import msgspec

from modelyard.core.kernel.errors import DomainError, ErrorKind, invalid


class Tensor(msgspec.Struct):
    """Numbers in row-major order."""

    values: list[int | float]
    shape: list[int] | None = None


class Data(msgspec.Struct):
    """One of the three encodings of a table or tensor; ``names`` are those of its columns."""

    names: list[str] | None = None
    ndarray: list[Any] | None = None
    tensor: Tensor | None = None
    tftensor: dict[str, Any] | None = None

    @property
    def encoding(self) -> str:
        """Which of them; ``INVALID`` unless it is exactly one."""
        found = [name for name in ("ndarray", "tensor", "tftensor") if getattr(self, name) is not None]
        return _only(found, "data", ("ndarray", "tensor", "tftensor"))


class Meta(msgspec.Struct, rename="camel"):
    """``puid`` is the id of the request; ``routing`` and ``request_path`` tell in feedback how it was answered."""

    puid: str | None = None
    tags: dict[str, Any] | None = None
    routing: dict[str, int | list[int]] | None = None
    request_path: dict[str, Any] | None = None


class Message(msgspec.Struct, rename="camel"):
    """At most one of the members but ``meta``."""

    meta: Meta | None = None
    data: Data | None = None
    str_data: str | None = None
    bin_data: str | None = None
    json_data: Any = None
    custom_data: Any = None

    @property
    def kind(self) -> str:
        """Which of them; ``INVALID`` unless it is exactly one."""
        members = {
            "data": self.data,
            "strData": self.str_data,
            "jsonData": self.json_data,
            "binData": self.bin_data,
            "customData": self.custom_data,
        }
        found = [name for name, value in members.items() if value is not None]
        return _only(found, "the message", ("data", "strData", "jsonData", "binData"))


_DECODER = msgspec.json.Decoder(Message)


def read(body: bytes) -> Message:
    """The message in a JSON body; ``INVALID`` names the member that is wrong."""
    try:
        return _DECODER.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise unreadable(error) from error


def unreadable(error: Exception) -> DomainError:
    """Why a body is no message."""
    if isinstance(error, msgspec.ValidationError):
        text = str(error).replace("`$.", "`").replace("`$`", "the body").replace("`$[...]", "`[...]")
        return invalid(f"this is no SeldonMessage: {text}")
    return invalid(f"the body is not valid JSON: {error}")


def puid_of(given: str | None) -> str | None:
    """The id of a request, which goes into headers: visible ASCII."""
    if not given:
        return None
    if len(given) > 200 or not given.isascii() or not given.isprintable() or " " in given:
        raise DomainError(ErrorKind.INVALID, "puid must be at most 200 visible ASCII characters")
    return given


def _only(found: list[str], what: str, known: tuple[str, ...]) -> str:
    if len(found) == 1:
        return found[0]
    given = "has none of them" if not found else f"has {' and '.join(found)}"
    raise invalid(f"{what} must have exactly one of {', '.join(known)}, and {given}")
