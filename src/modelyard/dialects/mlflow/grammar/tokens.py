"""From text to tokens: one pass of one regular expression, linear in the text, which never fails.

A token is a match; ``lastgroup`` is its kind. What cannot be read is a token too (``bad``, ``open``), so that the
parser, which knows what should stand there, complains about it.
"""

import re
from collections.abc import Iterator
from typing import NoReturn, TypeAlias

from modelyard.core.kernel.errors import DomainError, invalid

Token: TypeAlias = re.Match[str]

# A quote inside quotes is doubled or follows a backslash; a backslash before the last quote is one of the text. The
# groups are atomic, so that what follows the quotes never changes where they end.
_SINGLE = r"(?>'[^'\\]*(?:(?:''|\\'|\\)[^'\\]*)*')"
_DOUBLE = r'(?>"[^"\\]*(?:(?:""|\\"|\\)[^"\\]*)*")'
_BACKTICK = r"(?>`[^`]*(?:``[^`]*)*`)"
_TOKEN = re.compile(
    rf"""\s*(?:
    (?P<number>-?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?(?![\w.]))
  | (?P<double>{_DOUBLE})(?!\.)
  | (?P<name>(?P<first>\w+|{_BACKTICK}|{_DOUBLE})(?:\.(?P<key>\w+(?:[-./]\w+)*|{_BACKTICK}|{_DOUBLE}|{_SINGLE}))?)
  | (?P<single>{_SINGLE})
  | (?P<comparator>[<>]=|[!=]=|<>|[=<>])
  | (?P<punctuation>[(),])
  | (?P<open>['"`].*)
  | (?P<bad>.)
  | (?P<end>\Z)
)""",
    re.DOTALL | re.VERBOSE,
)
_ESCAPED = {quote: re.compile(rf"{quote}{quote}|\\{quote}") for quote in "'\""}
_UNSTORABLE = re.compile("[\0\ud800-\udfff]")

MAX_CHARACTERS = 500_000
SHOWN = 40


def unquoted(text: str) -> str:
    """A name or string as meant: without its quotes, and with one quote for each escaped one."""
    quote = text[:1]
    if quote == "`":
        return text[1:-1].replace("``", "`")
    if quote not in _ESCAPED:
        return text
    inner = text[1:-1]
    return _ESCAPED[quote].sub(quote, inner) if quote in inner else inner


class Tokens:
    """The tokens of one text, read from left to right; ``label`` names the text in complaints."""

    def __init__(self, text: str, label: str) -> None:
        self._label = label
        if len(text) > MAX_CHARACTERS:
            raise invalid(f"{label} has {len(text)} characters; at most {MAX_CHARACTERS} are read")
        if unstorable := _UNSTORABLE.search(text):
            raise self._wrong(unstorable, unstorable.start(), "this character cannot stand in a stored text; remove it")
        self._rest: Iterator[Token] = _TOKEN.finditer(text)
        self.next: Token = next(self._rest)

    def take(self) -> Token:
        """The next token; at the end, the end."""
        taken = self.next
        if taken.lastgroup != "end":
            self.next = next(self._rest)
        return taken

    def take_word(self, *words: str) -> str | None:
        """The next token in capitals if it is one of these keywords, which are written in any case; else None stays."""
        token = self.next
        if token.lastgroup == "name" and (word := token["name"].upper()) in words:
            self.take()
            return word
        return None

    def take_mark(self, mark: str) -> bool:
        """Whether the next token is this parenthesis or comma, which is then taken."""
        if self.next.lastgroup == "punctuation" and self.next["punctuation"] == mark:
            self.take()
            return True
        return False

    def expected(self, what: str) -> NoReturn:
        """Refuse (``INVALID``) the next token: something else should stand there."""
        token = self.next
        if token.lastgroup == "open":
            self.refuse(token, f"the quote {token['open'][0]} is not closed")
        hint = "; keys with other characters than letters, digits, _, -, . and / are written in backticks"
        self.refuse(token, f"expected {what}{hint if token.lastgroup == 'bad' else ''}")

    def refuse(self, token: Token, problem: str) -> NoReturn:
        """Refuse (``INVALID``) a token."""
        raise self._wrong(token, token.start(token.lastgroup or 0), problem)

    def _wrong(self, match: re.Match[str], start: int, problem: str) -> DomainError:
        part = match.string[start : match.end()]
        if not part:
            return invalid(f"{self._label} ends too early: {problem}", position=start + 1)
        shown = part if len(part) <= SHOWN else f"{part[:SHOWN]}…"
        return invalid(
            f"{self._label} is wrong at character {start + 1}, {shown!r}: {problem}", position=start + 1, part=shown
        )
