"""Tokens of an external issuer: what opens an account, and that nothing else does."""

import asyncio
import hashlib
import hmac
import time
from collections.abc import Iterator
from dataclasses import replace
from functools import partial

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from joserfc import jwt
from joserfc.jwk import ECKey, OctKey, OKPKey, RSAKey

from issuer_stand import AUDIENCE, IssuerStand, encoded, issuer_stand, part
from modelyard.core.identity.entities import User
from modelyard.core.kernel.errors import DomainError, ErrorKind
from modelyard.issuers.external.claims import groups_of, person_of
from modelyard.issuers.external.download import download_keys
from modelyard.issuers.external.issuer import ExternalIssuer
from modelyard.issuers.external.key_cache import KeyCache
from modelyard.issuers.verifiers import Verified, Verifier, Verifiers, in_thread
from modelyard.storage.store import SqlStore


@pytest.fixture(scope="module")
def stand() -> Iterator[IssuerStand]:
    with issuer_stand() as made:
        yield made


def verify(stand: IssuerStand, store: SqlStore, token: str, **settings: object) -> Verified:
    """By a process that has the keys of the issuer and may ask for them again in a moment."""
    chosen = replace(stand.settings, **settings)  # type: ignore[arg-type]
    keys = KeyCache(stand.url, partial(download_keys, chosen), pause=0.01)
    return asyncio.run(ExternalIssuer(chosen, store, keys).verify(token))


def refusal(stand: IssuerStand, store: SqlStore, token: str, **settings: object) -> str:
    with pytest.raises(DomainError) as caught:
        verify(stand, store, token, **settings)
    assert caught.value.kind is ErrorKind.UNAUTHENTICATED
    assert not token or token not in caught.value.message
    assert store.run_read(lambda tx: tx.find(User)) == []
    return caught.value.message


def test_a_good_token_says_who_and_for_which_client_and_in_which_groups(stand: IssuerStand, store: SqlStore) -> None:
    token = stand.token(preferred_username="Mary", groups=["staff"], client_id="app")
    verified = verify(stand, store, token)
    user = store.run_read(lambda tx: tx.get(User, verified.user_id))
    assert user is not None
    assert user.username == "mary"
    assert (verified.client_id, verified.groups) == (f"{stand.url}#app", {"staff"})
    assert time.time() < verified.expires_at <= time.time() + 300


@pytest.mark.parametrize("typ", ["at+jwt", "application/at+jwt", "AT+JWT", "JWT", "jwt", None])
def test_the_types_of_access_tokens_are_accepted(stand: IssuerStand, store: SqlStore, typ: str | None) -> None:
    assert verify(stand, store, stand.token({"typ": typ}))


@pytest.mark.parametrize("audience", [AUDIENCE, ["other", AUDIENCE], [5, AUDIENCE]])
def test_one_of_the_audiences_must_be_ours(stand: IssuerStand, store: SqlStore, audience: object) -> None:
    assert verify(stand, store, stand.token(aud=audience))


def test_headers_that_mean_nothing_here_do_not_matter(stand: IssuerStand, store: SqlStore) -> None:
    header: dict[str, object] = {"x5c": ["A" * 2000], "jku": "http://127.0.0.1:1/keys", "their-own": 1}
    assert verify(stand, store, stand.token(header))


def test_elliptic_curves_and_edwards_curves_are_known(stand: IssuerStand, store: SqlStore) -> None:
    curve, edwards = ECKey.generate_key("P-256", {"kid": "e"}), OKPKey.generate_key("Ed25519", {"kid": "d"})
    stand.answers["/jwks"] = stand.keys(stand.key, curve, edwards)
    text = f"{part({'alg': 'EdDSA', 'kid': 'd'})}.{part(stand.claims())}"
    assert isinstance(edwards.private_key, Ed25519PrivateKey)
    assert verify(stand, store, f"{text}.{encoded(edwards.private_key.sign(text.encode()))}")
    assert verify(stand, store, jwt.encode({"alg": "ES256", "kid": "e"}, stand.claims(), curve))


def test_forgeries_are_refused(stand: IssuerStand, store: SqlStore) -> None:
    claims, kid = stand.claims(), stand.key.kid
    good = stand.token()
    head, _, signature = good.split(".")
    stranger = RSAKey.generate_key(2048)
    confused = []
    for secret in (stand.key.as_pem(private=False), stand.key.as_der(private=False), str(stand.key["n"]).encode()):
        text = f"{part({'alg': 'HS256', 'kid': kid, 'typ': 'JWT'})}.{part(claims)}"
        confused.append(f"{text}.{encoded(hmac.new(secret, text.encode(), hashlib.sha256).digest())}")
    own_key = stranger.as_dict(private=False)
    forged = [
        *confused,
        *(f"{part({'alg': name, 'kid': kid})}.{part(claims)}." for name in ("none", "None", "NONE", "nOnE", "")),
        f"{part({'alg': None})}.{part(claims)}.",
        f"{part({'alg': ['RS256']})}.{part(claims)}.{signature}",
        jwt.encode({"alg": "RS256", "kid": kid}, claims, stranger),
        jwt.encode({"alg": "RS256", "kid": kid, "jwk": own_key}, claims, stranger),
        jwt.encode({"alg": "HS256", "kid": kid}, claims, OctKey.import_key(b"secret" * 8)),
        f"{head}.{part(claims | {'sub': 's-2'})}.{signature}",
        f"{head}..{signature}",
        good[:-10],
        f"{good}.",
        f"{good}.{good}",
        stand.token({"crit": ["exp"], "exp": 1}),
        stand.token({"crit": ["typ"]}),
        stand.token({"crit": ["b64"], "b64": False}),
        stand.token({"crit": 5}),
        "a.b.c",
        "..",
        "",
        "ü.ü.ü",
        "x" * 100_000,
        f"{head}.{encoded(b'[' * 10_000)}.{signature}",
        f"{encoded(b'[' * 10_000)}.{part(claims)}.{signature}",
        f"{part([])}.{part(claims)}.{signature}",
        f"{head}.{part([claims])}.{signature}",
    ]
    for token in forged:
        assert refusal(stand, store, token), token[:200]


@pytest.mark.parametrize("kid", ["../../../dev/null", "http://127.0.0.1:1/key", "' OR 1=1 --", "", "\0", 7, ["first"]])
def test_a_kid_that_is_not_published_opens_nothing(stand: IssuerStand, store: SqlStore, kid: object) -> None:
    before = len(stand.asked)
    assert refusal(stand, store, stand.token({"kid": kid}))
    assert set(stand.asked[before:]) <= {"/.well-known/openid-configuration", "/jwks"}


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"iss": None}, "issuer"),
        ({"iss": "https://other.example"}, "issuer"),
        ({"iss": ["http://127.0.0.1"]}, "issuer"),
        ({"aud": None}, "audience"),
        ({"aud": "urn:modelyard:other"}, "audience"),
        ({"aud": []}, "audience"),
        ({"aud": {"urn:modelyard": 1}}, "audience"),
        ({"exp": None}, "expiry"),
        ({"exp": time.time() - 60}, "expired"),
        ({"exp": "2099"}, "not a time"),
        ({"exp": True}, "not a time"),
        ({"exp": float("inf")}, "not a time"),
        ({"exp": 10**400}, "not a time"),
        ({"exp": -(10**400)}, "not a time"),
        ({"exp": float("nan")}, "not a time"),
        ({"nbf": time.time() + 86_400}, "not valid yet"),
        ({"iat": time.time() + 86_400}, "not valid yet"),
        ({"sub": None}, "subject"),
        ({"sub": ""}, "subject"),
        ({"sub": 5}, "subject"),
        ({"sub": "a\0b"}, "subject"),
        ({"sub": "\ud800"}, "subject"),
        ({"sub": "x" * 256}, "subject"),
        ({"nonce": "n"}, "ID token"),
        ({"at_hash": "h"}, "ID token"),
        ({"typ": "ID"}, "ID token"),
        ({"token_use": "id"}, "ID token"),
        ({"typ": "Refresh"}, "neither"),
        ({"events": {"http://schemas.openid.net/event/backchannel-logout": {}}}, "neither"),
        ({"cnf": {"jkt": "x"}}, "bound to a key"),
    ],
)
def test_claims_that_are_not_for_us_now_are_refused(
    stand: IssuerStand, store: SqlStore, changed: dict[str, object], told: str
) -> None:
    assert told in refusal(stand, store, stand.token(**changed))


@pytest.mark.parametrize("typ", ["logout+jwt", "dpop+jwt", "secevent+jwt", "id+jwt", "JOSE", 5])
def test_other_types_of_tokens_are_refused(stand: IssuerStand, store: SqlStore, typ: object) -> None:
    assert "type" in refusal(stand, store, stand.token({"typ": typ}))


def test_a_bare_id_token_is_known_by_what_it_does_not_say(stand: IssuerStand, store: SqlStore) -> None:
    token = stand.token({"typ": "JWT"}, scope=None)
    assert "send an access token" in refusal(stand, store, token)
    assert verify(stand, store, token, accept_id_tokens=True)
    assert verify(stand, store, stand.token({"typ": "JWT"}, nonce="n"), accept_id_tokens=True)


@pytest.mark.parametrize("claim", [{"scope": "a"}, {"scp": ["a"]}, {"client_id": "a"}, {"typ": "Bearer"}])
def test_access_tokens_without_a_type_are_known_by_their_claims(
    stand: IssuerStand, store: SqlStore, claim: dict[str, object]
) -> None:
    assert verify(stand, store, stand.token({"typ": None}, **({"scope": None} | claim)))


def test_the_clocks_may_differ_a_little(stand: IssuerStand, store: SqlStore) -> None:
    now = time.time()
    assert verify(stand, store, stand.token(exp=now - 20, nbf=now + 20, iat=now + 20))


def test_claims_are_mapped_as_configured(stand: IssuerStand) -> None:
    settings = replace(
        stand.settings, username_claim="nick", email_claim="mail", groups_claim="https://corp.example/groups"
    )
    claims = {
        "sub": "s-1",
        "nick": "Mary",
        "mail": "Mary@Corp.Example",
        "email_verified": True,
        "given_name": "Mary",
        "family_name": 5,
        "https://corp.example/groups": ["a", "b", 5, "", "\n", None],
    }
    person = person_of(claims, settings)
    assert person.usernames == ("Mary", "mary@corp.example", "s-1")
    assert (person.verified_email, person.first_name, person.last_name) == ("mary@corp.example", "Mary", "")
    assert person.groups == {"a", "b"}


@pytest.mark.parametrize(
    "claims",
    [
        {"email": "a@b.c"},
        {"email": "a@b.c", "email_verified": False},
        {"email": "a@b.c", "email_verified": "true"},
        {"email": "a@b.c", "email_verified": 1},
        {"email": "a", "email_verified": True},
        {"email": ["a@b.c"], "email_verified": True},
        {"email": "a @b.c", "email_verified": True},
    ],
)
def test_an_address_that_was_not_verified_is_none(stand: IssuerStand, claims: dict[str, object]) -> None:
    assert person_of({"sub": "s", **claims}, stand.settings).verified_email is None


@pytest.mark.parametrize(
    ("claims", "expected"),
    [
        ({"realm_access": {"roles": ["x"]}}, {"x"}),
        ({"realm_access.roles": ["y"], "realm_access": {"roles": ["x"]}}, {"y"}),
        ({"realm_access": ["roles"]}, set()),
        ({"realm_access": {"roles": "one name, with a comma"}}, {"one name, with a comma"}),
        ({}, set()),
    ],
)
def test_groups_may_lie_deeper(stand: IssuerStand, claims: dict[str, object], expected: set[str]) -> None:
    assert groups_of(claims, replace(stand.settings, groups_claim="realm_access.roles")) == expected


def test_the_word_of_a_token_chooses_only_who_verifies_it(stand: IssuerStand, store: SqlStore) -> None:
    seen: list[str] = []

    def embedded(token: str) -> Verified:
        seen.append(token)
        return Verified("own", "c", None, 0)

    verifier = Verifiers(
        ExternalIssuer(stand.settings, store).verifier(), Verifier(lambda _: True, in_thread(embedded))
    )
    others = [stand.token(iss=f"{stand.url}/"), stand.token(iss=[stand.url]), stand.token(iss=None), "", "x.y.z"]

    async def main() -> None:
        for token in others:
            assert (await verifier(token)).user_id == "own"
        assert (await verifier(stand.token())).user_id != "own"

    asyncio.run(main())
    assert seen == others
