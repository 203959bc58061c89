"""Signing in for later commands, and out again."""

import time

from modelyard.client.errors import InvalidRequestError, NotSignedInError
from modelyard.client.token_cache import TokenCache
from modelyard.client.tokens import TOKEN_PATH, Tokens, password_form, tokens_from_answer
from modelyard.client.transport import Transport, reading


def login(url: str, username: str, password: str, cache: TokenCache) -> Tokens:
    """Sign in with a password, keep the tokens, and make this the current server.

    Raises NotSignedInError when the server refuses the username or the password (it does not say which).
    """
    with Transport(url) as transport:
        try:
            response = transport.send("POST", TOKEN_PATH, data=password_form(username, password))
        except (InvalidRequestError, NotSignedInError) as error:  # RFC 6749 5.2: a refusal has status 400 or 401
            hint = f"Check the username {username!r} and the password."
            raise NotSignedInError(error.message, hint=hint, status=error.status, code=error.code) from error
        with reading("the sign-in"):
            tokens = tokens_from_answer(response.json(), username, time.time())
        cache.save(transport.url, tokens)
        cache.set_current_url(transport.url)
    return tokens
