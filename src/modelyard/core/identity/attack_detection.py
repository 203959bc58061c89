"""What administrators see of failed sign-ins, and how they put an end to the waiting."""

from dataclasses import dataclass
from datetime import datetime

from modelyard.core.access.check import require_platform
from modelyard.core.access.permissions import Permission
from modelyard.core.identity import throttle
from modelyard.core.identity.entities import SignInRecord, User
from modelyard.core.identity.users import get_user
from modelyard.core.kernel.actor import Actor
from modelyard.core.kernel.store import Tx


@dataclass(frozen=True, slots=True)
class FailedSignIns:
    """``failures`` that have not faded, of a user from wherever; ``last_at`` and ``last_from`` None for none."""

    user: User
    failures: int
    last_at: datetime | None
    last_from: str | None


def failed_sign_ins(tx: Tx, actor: Actor, user_id: str) -> FailedSignIns:
    """The failed sign-ins of one user."""
    require_platform(actor, Permission.USERS_MANAGE)
    return _of(tx, get_user(tx, actor, user_id), throttle.totals(tx))


def all_failed_sign_ins(tx: Tx, actor: Actor) -> list[FailedSignIns]:
    """The users with failed sign-ins that have not faded, by age."""
    require_platform(actor, Permission.USERS_MANAGE)
    totals = throttle.totals(tx)
    found = [_of(tx, user, totals) for user in tx.find(User, order_by="created_at")]
    return [each for each in found if each.failures]


def forgive_user(tx: Tx, actor: Actor, user_id: str) -> None:
    """Forget the failed sign-ins of one user: nobody waits for them any more."""
    require_platform(actor, Permission.USERS_MANAGE)
    user = get_user(tx, actor, user_id)
    throttle.forgive(tx, throttle.digests(user.username, user.email))


def forgive_everybody(tx: Tx, actor: Actor) -> None:
    """Forget all failed sign-ins."""
    require_platform(actor, Permission.USERS_MANAGE)
    throttle.forgive_all(tx)


def _of(tx: Tx, user: User, totals: dict[str, SignInRecord]) -> FailedSignIns:
    names = throttle.digests(user.username, user.email)
    rows = [totals[name] for name in names if name in totals]
    last = max(rows, key=lambda row: row.failed_at or tx.now, default=None)
    failures = sum(throttle.level(row, throttle.NAME, tx.now) for row in rows)
    return FailedSignIns(user, failures, last.failed_at if last else None, last.failed_from if last else None)
