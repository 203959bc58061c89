"""The client: one server, one user, and everything they may do there."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Self

import httpx

from modelyard.client.access import Access
from modelyard.client.access_tokens import AccessTokens
from modelyard.client.audit import Audit
from modelyard.client.deployments import Deployments
from modelyard.client.errors import InvalidRequestError
from modelyard.client.groups import Groups
from modelyard.client.inference import Inference
from modelyard.client.log_search import LogSearch
from modelyard.client.logs import Logs
from modelyard.client.models import Models
from modelyard.client.pipelines import Pipelines
from modelyard.client.replays import Replays
from modelyard.client.rollouts import Rollouts
from modelyard.client.service_accounts import ServiceAccounts
from modelyard.client.sign_in import BearerToken, Password, SignIn
from modelyard.client.token_cache import TokenCache, config_folder
from modelyard.client.tokens import USERINFO_PATH
from modelyard.client.transport import DEFAULT_TIMEOUT_SECONDS, Transport, normal_url, reading
from modelyard.client.users import Users
from modelyard.client.workspaces import Workspaces

DEFAULT_URL = "http://127.0.0.1:8080"


@dataclass(frozen=True)
class Identity:
    """Who the server says one is."""

    id: str
    username: str
    email: str | None


class Client:
    """Talks to one server. Parts: users, groups, access, tokens, service_accounts, workspaces, models, pipelines,
    deployments, inference, logs, log_search, replays, rollouts, audit.

    A token is an access token or a personal access token. What is not given comes from the environment
    (MODELYARD_URL, MODELYARD_TOKEN, MODELYARD_USERNAME with MODELYARD_PASSWORD), then from the last `modelyard login`.
    Tokens of a password given here stay in memory.
    """

    def __init__(
        self,
        url: str | None = None,
        *,
        token: str | None = None,
        username: str | None = None,
        password: str | None = None,
        timeout_seconds: float = DEFAULT_TIMEOUT_SECONDS,
        environ: Mapping[str, str] = os.environ,
    ) -> None:
        cache = TokenCache(config_folder(environ))
        self.url = chosen_url(url, cache, environ)
        auth = _given_auth(self.url, cache, token, username, password) or _environ_auth(self.url, cache, environ)
        self._transport = Transport(self.url, auth or SignIn(self.url, cache), timeout_seconds)
        self.users = Users(self._transport)
        self.groups = Groups(self._transport)
        self.access = Access(self._transport)
        self.tokens = AccessTokens(self._transport)
        self.service_accounts = ServiceAccounts(self._transport)
        self.workspaces = Workspaces(self._transport)
        self.models = Models(self._transport)
        self.pipelines = Pipelines(self._transport)
        self.deployments = Deployments(self._transport)
        self.inference = Inference(self._transport)
        self.logs = Logs(self._transport)
        self.log_search = LogSearch(self._transport)
        self.replays = Replays(self._transport)
        self.rollouts = Rollouts(self._transport)
        self.audit = Audit(self._transport)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"Client({self.url!r})"

    def close(self) -> None:
        """Close the connections."""
        self._transport.close()

    def whoami(self) -> Identity:
        """Ask the server who one is (OpenID Connect Core 5.3)."""
        response = self._transport.send("GET", USERINFO_PATH)
        with reading("userinfo"):
            claims = response.json()
            return Identity(str(claims["sub"]), str(claims["preferred_username"]), claims.get("email"))


def chosen_url(url: str | None, cache: TokenCache, environ: Mapping[str, str]) -> str:
    """The server that is meant: given, from MODELYARD_URL, of the last sign-in, or this machine's."""
    return normal_url(url or environ.get("MODELYARD_URL") or cache.current_url() or DEFAULT_URL)


def _given_auth(
    url: str, cache: TokenCache, token: str | None, username: str | None, password: str | None
) -> httpx.Auth | None:
    if token is not None:
        return BearerToken(token)
    if username is None and password is None:
        return None
    if username is None or password is None:
        raise InvalidRequestError("A username and a password are given together or not at all.")
    return SignIn(url, cache, Password(username, password))


def _environ_auth(url: str, cache: TokenCache, environ: Mapping[str, str]) -> httpx.Auth | None:
    if token := environ.get("MODELYARD_TOKEN"):
        return BearerToken(token)
    username, password = environ.get("MODELYARD_USERNAME"), environ.get("MODELYARD_PASSWORD")
    return SignIn(url, cache, Password(username, password)) if username and password else None
