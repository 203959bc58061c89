"""Slows the guessing of passwords, and gives nobody the means to lock somebody else out.

Failures are counted in three places. Those of a name from a place, and those of an address whatever the name, make the
next attempt from there wait, longer with each failure. Those of a name from wherever only delay, by a second at most.
The place is the client's network, but the very address where the name has signed in there before: whatever happens
elsewhere, its owner comes in from there.

Nothing here asks whether the name belongs to a user, so that nothing tells.
"""

import ipaddress
import math
import unicodedata
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from hashlib import sha256

from modelyard.core.identity.entities import SignInRecord
from modelyard.core.kernel.errors import rate_limited
from modelyard.core.kernel.store import Between, Tx

_WAIT_SECONDS = 900
_DELAY_SECONDS = 1.0
_REMEMBERED = timedelta(days=90)
_NEWS = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Rule:
    """``free`` failures have no consequence; one is forgiven each ``fade``; more than ``most`` are not counted."""

    free: int
    fade: timedelta
    most: int


NAME_FROM_PLACE = Rule(free=5, fade=timedelta(minutes=12), most=15)
ADDRESS = Rule(free=50, fade=timedelta(minutes=1), most=60)
NAME = Rule(free=20, fade=timedelta(minutes=12), most=100)


@dataclass(frozen=True, slots=True)
class Attempt:
    """A sign-in that is about to be tried: the name as it is counted, and from where."""

    name: str
    address: str
    network: str


@dataclass(frozen=True, slots=True)
class Seen:
    """What is known of an attempt's name and place. ``place`` is where its failures count."""

    here: SignInRecord | None
    address: SignInRecord | None
    name: SignInRecord | None
    place: str

    @property
    def familiar(self) -> bool:
        """Whether the name has signed in from this address."""
        return self.here is not None and self.here.signed_in_at is not None


def attempt_by(username: str, address: str | None) -> Attempt:
    """The attempt; ``address`` is the client's IP address, None where there is none."""
    name = unicodedata.normalize("NFC", username).strip().lower()
    return Attempt(_digest(name), *_places(address))


def admit(tx: Tx, attempt: Attempt) -> float:
    """How many seconds to delay the attempt; ``RATE_LIMITED`` with how long to wait when it comes too soon."""
    seen = _seen(tx, attempt)
    wait = _wait(seen.here, NAME_FROM_PLACE, tx.now)
    if not seen.familiar:
        wait = max(wait, _wait(seen.address, ADDRESS, tx.now))
    if wait > 0:
        seconds = math.ceil(wait)
        raise rate_limited(f"too many failed sign-ins; try again in {seconds} s", seconds)
    return 0.0 if seen.familiar else _delay(seen.name, tx.now)


def note_failure(tx: Tx, attempt: Attempt) -> None:
    """Count a failure. Raises as ``admit`` when others failed meanwhile: many at once learn no more than one by one."""
    admit(tx, attempt)
    seen = _seen(tx, attempt)
    _count(tx, attempt, seen.here, (attempt.name, seen.place), NAME_FROM_PLACE)
    _count(tx, attempt, seen.address, ("", attempt.address), ADDRESS)
    _count(tx, attempt, seen.name, (attempt.name, ""), NAME)


def is_news(tx: Tx, attempt: Attempt) -> bool:
    """Whether a success changes what is known: failures to forget, or a place to remember. Raises as ``admit``."""
    admit(tx, attempt)
    here = _seen(tx, attempt).here
    if here is None or here.signed_in_at is None:
        return True
    return here.failed_at is not None or here.signed_in_at < tx.now - _NEWS


def note_success(tx: Tx, attempt: Attempt) -> None:
    """Forget the failures of the name from this place, and remember that it signed in from this address."""
    here = _seen(tx, attempt).here
    if here is not None:
        tx.delete(SignInRecord, id=here.id)
    tx.insert(SignInRecord(0, attempt.name, attempt.address, None, None, "", tx.now))


def totals(tx: Tx) -> dict[str, SignInRecord]:
    """The failures that have not faded, of each name from wherever; keys are digests as ``digests`` makes them."""
    rows = tx.find(SignInRecord, place="", fades_at=Between(at_least=tx.now))
    return {row.name: row for row in rows}


def level(record: SignInRecord | None, rule: Rule, now: datetime) -> int:
    """How many failures count at this time."""
    if record is None or record.fades_at is None or record.fades_at <= now:
        return 0
    return math.ceil((record.fades_at - now) / rule.fade)


def forgive(tx: Tx, names: set[str]) -> None:
    """Forget the failures of these names, as ``digests`` gives them, from everywhere; what went well stays."""
    tx.delete(SignInRecord, name=names, signed_in_at=None)
    for (known,) in tx.values(SignInRecord, ("id",), name=names, fades_at=Between(at_least=tx.now)):
        tx.update(SignInRecord, known, lambda record: replace(record, failed_at=None, fades_at=None, failed_from=""))


def forgive_all(tx: Tx) -> None:
    """Forget the failures of all names and addresses."""
    forgive(tx, {name for (name,) in tx.values(SignInRecord, ("name",), fades_at=Between(at_least=tx.now))})


def sweep_sign_in_records(tx: Tx) -> None:
    """Remove what has faded, and places where nobody signed in for long."""
    tx.delete(SignInRecord, signed_in_at=None, fades_at=Between(at_most=tx.now))
    tx.delete(SignInRecord, signed_in_at=Between(at_most=tx.now - _REMEMBERED))


def digests(*logins: str | None) -> set[str]:
    """What failures of these usernames or e-mail addresses, in lower case, are counted under."""
    return {_digest(login) for login in logins if login}


def _seen(tx: Tx, attempt: Attempt) -> Seen:
    names, places = [attempt.name, ""], [attempt.address, attempt.network, ""]
    found = {(row.name, row.place): row for row in tx.find(SignInRecord, name=names, place=places)}
    home = found.get((attempt.name, attempt.address))
    place = attempt.address if home is not None and home.signed_in_at is not None else attempt.network
    return Seen(
        found.get((attempt.name, place)), found.get(("", attempt.address)), found.get((attempt.name, "")), place
    )


def _wait(record: SignInRecord | None, rule: Rule, now: datetime) -> float:
    """Seconds from now until the next attempt: 1 after the last free failure, twice as long after each one more."""
    if record is None or record.failed_at is None or record.fades_at is None:
        return 0.0
    failures = round((record.fades_at - record.failed_at) / rule.fade)
    if failures < rule.free:
        return 0.0
    wait = min(_WAIT_SECONDS, 1 << (failures - rule.free))
    return wait - (now - record.failed_at).total_seconds()


def _delay(record: SignInRecord | None, now: datetime) -> float:
    return min(_DELAY_SECONDS, 0.05 * max(0, level(record, NAME, now) - NAME.free))


def _count(tx: Tx, attempt: Attempt, record: SignInRecord | None, key: tuple[str, str], rule: Rule) -> None:
    begins = max(record.fades_at if record is not None and record.fades_at is not None else tx.now, tx.now)
    fades = min(begins + rule.fade, tx.now + rule.most * rule.fade)
    if record is None:
        tx.insert(SignInRecord(0, *key, tx.now, fades, attempt.address, signed_in_at=None))
        return
    tx.update(
        SignInRecord, record.id, lambda r: replace(r, failed_at=tx.now, fades_at=fades, failed_from=attempt.address)
    )


def _places(address: str | None) -> tuple[str, str]:
    """The address and its network: /24 of IPv4; of IPv6 /64 stands for both, as one client has all of it."""
    try:
        parsed = ipaddress.ip_address((address or "").partition("%")[0])
    except ValueError:
        return "-", "-"
    mapped = parsed.ipv4_mapped if isinstance(parsed, ipaddress.IPv6Address) else None
    client = mapped or parsed
    network = str(ipaddress.ip_network((client, 24 if client.version == 4 else 64), strict=False))
    return (str(client), network) if client.version == 4 else (network, network)


def _digest(name: str) -> str:
    return sha256(name.encode("utf-8", "surrogatepass")).hexdigest()
