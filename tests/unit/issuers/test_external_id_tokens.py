"""ID tokens of an external issuer: only for the clients of its settings, and only where ID tokens are taken at all."""

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from functools import partial

import pytest

from issuer_stand import AUDIENCE, IssuerStand, issuer_stand
from modelyard.core.identity.entities import User
from modelyard.core.kernel.errors import DomainError, ErrorKind
from modelyard.issuer_settings import WrongPartError, read_issuers
from modelyard.issuers.external.download import download_keys
from modelyard.issuers.external.issuer import ExternalIssuer
from modelyard.issuers.external.key_cache import KeyCache
from modelyard.issuers.verifiers import Verified
from modelyard.storage.store import SqlStore

_ID: dict[str, object] = {"aud": "sd-api", "azp": "sd-api", "scope": None, "typ": "ID"}


@pytest.fixture(scope="module")
def stand() -> Iterator[IssuerStand]:
    with issuer_stand() as made:
        yield made


def _verify(stand: IssuerStand, store: SqlStore, *, id_tokens: bool = True, **changed: object) -> Verified:
    settings = replace(stand.settings, id_token_clients=("sd-api", "other"))
    issuer = ExternalIssuer(settings, store, KeyCache(stand.url, partial(download_keys, settings), pause=0.01))
    token = stand.token({"typ": "JWT"}, **{**_ID, **changed})
    return asyncio.run(issuer.verifier(id_tokens=id_tokens).verify(token))


@pytest.mark.parametrize(
    "changed",
    [{}, {"nonce": "n"}, {"azp": None}, {"aud": ["sd-api"]}, {"aud": ["sd-api", "other"]}, {"typ": None}],
    ids=str,
)
def test_an_id_token_for_a_client_of_the_settings_counts(
    stand: IssuerStand, store: SqlStore, changed: dict[str, object]
) -> None:
    assert _verify(stand, store, **changed).client_id.startswith(stand.url)


@pytest.mark.parametrize(
    "changed",
    [
        {"aud": "elsewhere"},
        {"aud": ["sd-api", "elsewhere"]},
        {"azp": "elsewhere"},
        {"aud": None},
        {"aud": []},
        {"aud": AUDIENCE},
        {"exp": 1},
        {"typ": "Refresh"},
        {"typ": "Logout"},
        {"events": {}},
        {"cnf": {}},
    ],
    ids=str,
)
def test_no_other_one_does(stand: IssuerStand, store: SqlStore, changed: dict[str, object]) -> None:
    with pytest.raises(DomainError) as caught:
        _verify(stand, store, **changed)
    assert caught.value.kind is ErrorKind.UNAUTHENTICATED
    assert store.run_read(lambda tx: tx.find(User)) == []


def test_where_access_tokens_belong_it_opens_and_leaves_nothing(stand: IssuerStand, store: SqlStore) -> None:
    with pytest.raises(DomainError):
        _verify(stand, store, id_tokens=False)
    assert store.run_read(lambda tx: tx.find(User)) == []


def test_an_access_token_for_such_a_client_is_not_for_us(stand: IssuerStand, store: SqlStore) -> None:
    for changed in ({"typ": "Bearer"}, {"scope": "openid", "typ": None}):
        with pytest.raises(DomainError, match="audience"):
            _verify(stand, store, **changed)


def test_access_tokens_count_as_before(stand: IssuerStand, store: SqlStore) -> None:
    assert _verify(stand, store, aud=AUDIENCE, scope="api", typ="Bearer")


@pytest.mark.parametrize("value", ["sd-api", [""], [5], {"sd-api": True}])
def test_the_setting_is_a_list_of_ids(value: object) -> None:
    table = {"url": "https://login.example.com", "audiences": ["a"], "id_token_clients": value}
    with pytest.raises(WrongPartError) as caught:
        read_issuers([table])
    assert caught.value.part == "[0].id_token_clients"
