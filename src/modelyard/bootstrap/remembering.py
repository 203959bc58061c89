"""All that this process remembers of callers, to be forgotten together."""

from dataclasses import dataclass

from modelyard.web.authentication import TokenAuthenticator
from modelyard.web.basic import BasicAuthenticator


@dataclass(frozen=True, slots=True)
class Remembering:
    """Those who remember callers."""

    by_token: tuple[TokenAuthenticator, ...]
    by_password: BasicAuthenticator

    def forget(self) -> None:
        """Rights changed."""
        for each in self.by_token:
            each.forget()
        self.by_password.forget()

    def forget_tokens(self) -> None:
        """Keys changed."""
        for each in self.by_token:
            each.forget_tokens()
        self.by_password.forget()

    def keep_uses(self) -> None:
        """Write down which personal access tokens were used."""
        for each in self.by_token:
            each.keep_uses()
