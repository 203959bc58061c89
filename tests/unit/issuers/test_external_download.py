"""What is fetched from an issuer, and from one that means no good."""

import gzip
import json
import ssl
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from joserfc.jwk import ECKey, OctKey, OKPKey, RSAKey

from issuer_stand import Answer, IssuerStand, drips, drips_headers, floods, issuer_stand, missing, sends
from modelyard.issuer_settings import DISCOVERY, IssuerSettings
from modelyard.issuers.external.download import IssuerError, download_keys
from modelyard.issuers.external.keys import KeySet


@pytest.fixture
def stand() -> Iterator[IssuerStand]:
    with issuer_stand() as made:
        yield made


def complaint(stand: IssuerStand, path: str, answer: Answer) -> str:
    stand.answers[path] = answer
    with pytest.raises(IssuerError) as caught:
        download_keys(stand.settings)
    return str(caught.value)


def key_set(*keys: object) -> KeySet:
    return KeySet.read(json.dumps({"keys": keys}).encode())


def test_the_keys_are_found_through_the_discovery_document(stand: IssuerStand) -> None:
    keys = download_keys(stand.settings)
    assert (len(keys.keys), keys.offered) == (1, 1)
    assert stand.asked == [DISCOVERY, "/jwks"]


@pytest.mark.parametrize("path", [DISCOVERY, "/jwks"])
def test_redirects_lead_nowhere(stand: IssuerStand, path: str) -> None:
    with issuer_stand() as other:
        answer = complaint(stand, path, sends({}, 302, Location=other.url + path))
        assert "redirects, which is not followed" in answer
        assert other.asked == []


@pytest.mark.parametrize("path", [DISCOVERY, "/jwks"])
def test_an_answer_without_end_is_cut_off(stand: IssuerStand, path: str) -> None:
    assert "more than 262144 bytes" in complaint(stand, path, floods)


@pytest.mark.parametrize("answer", [drips, drips_headers])
def test_an_issuer_that_dawdles_is_given_up_after_seconds(stand: IssuerStand, answer: Answer) -> None:
    began = time.monotonic()
    assert "longer than 5 s" in complaint(stand, "/jwks", answer)
    assert time.monotonic() - began < 8


def test_compressed_answers_are_not_unpacked(stand: IssuerStand) -> None:
    bomb = gzip.compress(b" " * 50_000_000)
    assert "compressed" in complaint(stand, "/jwks", sends(bomb, Content_Encoding="gzip"))


@pytest.mark.parametrize(
    ("path", "answer", "told"),
    [
        (DISCOVERY, missing, "status 404"),
        (DISCOVERY, sends([]), "no jwks_uri"),
        (DISCOVERY, sends({"jwks_uri": 5}), "no jwks_uri"),
        (DISCOVERY, sends({"issuer": "http://127.0.0.1", "jwks_uri": "http://127.0.0.1/"}), "calls itself"),
        (DISCOVERY, sends(b"<html>"), "cannot be read"),
        (DISCOVERY, sends(b"[" * 100_000), "cannot be read"),
        (DISCOVERY, sends(b"\xff\xfe"), "cannot be read"),
        ("/jwks", sends({"keys": {}}), "not a JWK set"),
        ("/jwks", sends({"keys": [{}] * 101}), "not a JWK set"),
        ("/jwks", sends(b"", 500), "status 500"),
    ],
)
def test_what_is_wrong_is_told(stand: IssuerStand, path: str, answer: Answer, told: str) -> None:
    assert told in complaint(stand, path, answer)


@pytest.mark.parametrize(
    "address",
    ["http://169.254.169.254/keys", "http://localhost:1/jwks", "file:///etc/passwd", "ftp://127.0.0.1/", "//x", "jwks"],
)
def test_keys_are_fetched_in_the_clear_from_the_issuer_itself_alone(stand: IssuerStand, address: str) -> None:
    assert "is not https" in complaint(stand, DISCOVERY, stand.discovery(jwks_uri=address))
    assert stand.asked == [DISCOVERY]


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """A certificate for this machine that vouches for itself, and its key, in one file."""
    key, name = generate_private_key(SECP256R1()), x509.Name([])
    now = datetime.now(UTC)
    signed = (
        x509.CertificateBuilder(name, name, key.public_key(), 1, now - timedelta(hours=1), now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=True)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, SHA256())
    )
    path = tmp_path / "certificate.pem"
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    path.write_bytes(signed.public_bytes(Encoding.PEM) + private)
    return path


def test_only_certificates_that_are_trusted_count(certificate: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate)
    with issuer_stand(tls) as stand:
        with pytest.raises(IssuerError, match=r"cannot be reached: .*CERTIFICATE_VERIFY_FAILED"):
            download_keys(stand.settings)
        assert stand.asked == []
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")
        assert len(download_keys(stand.settings).keys) == 1
        assert "is not https" in complaint(stand, DISCOVERY, stand.discovery(jwks_uri="http://127.0.0.1:1/jwks"))


def test_an_issuer_that_does_not_answer_is_named_with_the_reason() -> None:
    with pytest.raises(IssuerError, match="cannot be reached"):
        download_keys(IssuerSettings(url="http://127.0.0.1:1", audiences=("x",)))


def test_keys_that_cannot_verify_are_left_out() -> None:
    good = RSAKey.generate_key(2048, {"kid": "good"}).as_dict(private=False)
    keys = key_set(
        good,
        good | {"kid": "enc", "use": "enc"},
        good | {"kid": "hmac", "alg": "HS256"},
        good | {"kid": "ops", "key_ops": ["sign"]},
        good | {"kid": 5},
        good | {"kid": "short", "n": good["n"][:100]},  # type: ignore[index]
        good | {"kid": "long", "n": "A" + "B" * 3000},
        good | {"kid": "slow", "e": good["n"]},
        good | {"kid": "no text", "n": 5},
        OctKey.generate_key(256).as_dict(),
        OKPKey.generate_key("X25519").as_dict(private=False),
        {"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA"},
        {"kty": "EC", "crv": "secp256k1"},
        {"kty": "new"},
        {},
        "key",
        None,
    )
    assert [key.kid for key in keys.keys] == ["good"]
    assert keys.offered == 17


def test_of_a_private_key_only_the_public_part_is_kept() -> None:
    keys = key_set(RSAKey.generate_key(2048).as_dict(private=True))
    assert [key.key.is_private for key in keys.keys] == [False]


def test_a_key_verifies_only_with_algorithms_that_fit_it() -> None:
    keys = key_set(
        RSAKey.generate_key(2048, {"kid": "r"}).as_dict(private=False),
        ECKey.generate_key("P-256", {"kid": "e"}).as_dict(private=False),
        OKPKey.generate_key("Ed25519", {"kid": "d", "alg": "EdDSA"}).as_dict(private=False),
    )
    fits = {
        (kid, algorithm)
        for kid in "red"
        for algorithm in ("RS256", "PS512", "ES256", "ES384", "EdDSA", "Ed25519")
        if keys.find(kid, algorithm)
    }
    assert fits == {("r", "RS256"), ("r", "PS512"), ("e", "ES256"), ("d", "EdDSA")}
    assert len(keys.find(None, "RS256")) == 1


@pytest.mark.parametrize("kid", ["../../etc/passwd", "http://169.254.169.254/key", "' OR 1=1 --", "\0", "GOOD", ""])
def test_a_kid_is_compared_and_nothing_else(kid: str) -> None:
    keys = key_set(RSAKey.generate_key(2048, {"kid": "good"}).as_dict(private=False))
    assert keys.find(kid, "RS256") == []
