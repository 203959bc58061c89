"""Several signing keys: which one signs, which verify, and how a process learns of changes."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from modelyard.core.identity.entities import User
from modelyard.core.kernel.errors import DomainError, ErrorKind
from modelyard.issuers.embedded import keys as keys_module
from modelyard.issuers.embedded.claims import Subject
from modelyard.issuers.embedded.keys import KeyRing
from modelyard.issuers.embedded.rotation import retire, rotate
from modelyard.issuers.embedded.tokens import sign_access, verify_access

NOW = datetime.now(UTC)
USER = User("u-1", "mary", None, "", "", True, False, NOW, None)


def sign(ring: KeyRing) -> str:
    subject = Subject(USER, frozenset(), "sdk-client", None, "profile")
    return sign_access(ring, subject, "http://h/auth/realms/master", NOW, 60)


def verifies(ring: KeyRing, token: str) -> bool:
    try:
        return verify_access(ring, token, ("master",), NOW).user_id == USER.id
    except DomainError:
        return False


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """New keys sign without the two seconds that give other processes time."""
    monkeypatch.setattr(keys_module, "SIGNS_AFTER", timedelta(0))


def test_a_new_key_waits_until_every_process_knows_it(tmp_path: Path) -> None:
    ring = KeyRing.open(tmp_path)
    first = ring.kid
    made = rotate(tmp_path)
    assert ring.reload()
    assert [key.kid for key in ring.all] == [first, made.kid]
    assert ring.kid == first
    assert [key["kid"] for key in ring.jwks()["keys"]] == [first, made.kid]  # type: ignore[attr-defined]


@pytest.mark.usefixtures("at_once")
def test_old_tokens_verify_until_their_key_is_retired(tmp_path: Path) -> None:
    ring = KeyRing.open(tmp_path)
    first, old = ring.kid, sign(ring)
    made = rotate(tmp_path)
    ring.reload()
    new = sign(ring)
    assert ring.kid == made.kid
    assert verifies(ring, old)
    assert verifies(ring, new)
    retire(tmp_path, first)
    assert ring.reload()
    assert not verifies(ring, old)
    assert verifies(ring, new)


@pytest.mark.usefixtures("at_once")
def test_a_token_of_a_process_that_is_ahead_is_understood(tmp_path: Path) -> None:
    behind = KeyRing.open(tmp_path)
    before = behind.all
    rotate(tmp_path)
    ahead = KeyRing.open(tmp_path)
    assert verifies(behind, sign(ahead))
    assert behind.all is not before


@pytest.mark.usefixtures("at_once")
def test_retiring_the_first_key_leaves_a_folder_that_opens(tmp_path: Path) -> None:
    first = KeyRing.open(tmp_path).kid
    made = rotate(tmp_path)
    retire(tmp_path, first)
    assert [key.kid for key in KeyRing.open(tmp_path).all] == [made.kid]
    assert {path.stat().st_mode & 0o777 for path in tmp_path.iterdir()} == {0o600}


def test_a_key_that_may_sign_is_not_retired(tmp_path: Path) -> None:
    first = KeyRing.open(tmp_path).kid
    made = rotate(tmp_path)
    for kid, reason in ((first, "still signs"), (made.kid, "newest")):
        with pytest.raises(DomainError, match=reason) as caught:
            retire(tmp_path, kid)
        assert caught.value.kind is ErrorKind.FAILED_PRECONDITION
    assert len(KeyRing.open(tmp_path).all) == 2


def test_a_damaged_new_key_leaves_the_known_ones_in_force(tmp_path: Path) -> None:
    ring = KeyRing.open(tmp_path)
    token = sign(ring)
    made = rotate(tmp_path)
    made.path.write_bytes(b"broken")
    with pytest.raises(DomainError, match=made.path.name):
        ring.reload()
    assert verifies(ring, token)


def test_proofs_of_forms_are_for_what_they_are_about(tmp_path: Path) -> None:
    ring = KeyRing.open(tmp_path)
    assert ring.form_proof("a", "b") == ring.form_proof("a", "b")
    assert len({ring.form_proof(*parts) for parts in (("a", "b"), ("ab",), ("a", "b", ""), ("b", "a"))}) == 4
