"""Signing in on a page."""

import time
from collections.abc import Mapping

from starlette.responses import Response

from modelyard.core.identity.entities import Credential, User
from modelyard.core.identity.users import check_password, choose_password, temporary_password
from modelyard.core.kernel.actor import Actor
from modelyard.core.kernel.errors import DomainError, ErrorKind, invalid, retry_after
from modelyard.core.kernel.store import Store, Tx
from modelyard.dialects.openid.dialect import STATUS
from modelyard.dialects.openid.pages import login_page, new_password_page
from modelyard.dialects.openid.visits import Visit

_CHOICE_SECONDS = 600

STALE = "This page was open for too long, or came from somewhere else. Please try again."


class Login:
    """The login page of one place: ``action`` is where its form goes, ``leads_to`` where it may end."""

    def __init__(
        self, visit: Visit, action: str, purpose: str, username: str = "", leads_to: str | None = None
    ) -> None:
        self._visit = visit
        self._action = action
        self._purpose = purpose
        self._username = username
        self._leads_to = leads_to

    def page(self, problem: str = "", status: int = 200) -> Response:
        """The page, with what went wrong before."""
        proof = self._visit.proof("login", self._action)
        html = login_page(self._action, proof, self._purpose, self._username, problem)
        return self._visit.page(html, status, self._leads_to)

    async def take(self, form: Mapping[str, str]) -> Response | None:
        """Sign in by the form; when that does not work, or not yet, the page that says so."""
        if "new_password" in form:
            return await self._choose(form)
        if not self._visit.proves(form["csrf"], "login", self._action):
            return self.page(STALE, 403)
        self._username = form.get("username", "")[:255]
        issuer = self._visit.call.services.issuer
        username, password, address = form.get("username", ""), form.get("password", ""), self._visit.call.address
        try:
            user = await issuer.credentials.check(username, password, address)
        except DomainError as error:
            return self._refused(error)
        temporary = await self._store.read(temporary_password, user.id)
        if temporary is not None:
            return self._choice(user, temporary, int(time.time()))
        await self._visit.sign_in(user)
        return None

    def _choice(self, user: User, temporary: Credential, since: int, problem: str = "") -> Response:
        """The page to choose a password on, for a while, in the browser that knew the temporary one."""
        hidden = {"user_id": user.id, "since": str(since)}
        proof = self._visit.proof(*self._about_choice(temporary, since))
        html = new_password_page(self._action, proof, user.username, hidden, problem)
        return self._visit.page(html, 400 if problem else 200, self._leads_to)

    def _about_choice(self, temporary: Credential, since: int) -> tuple[str, ...]:
        return "new password", self._action, temporary.user_id, temporary.changed_at.isoformat(), str(since)

    async def _choose(self, form: Mapping[str, str]) -> Response | None:
        """Sign in with a new password in place of the temporary one, which the form proves to have been given."""
        user, temporary = await self._store.read(_waiting, form.get("user_id", ""))
        since = form.get("since", "")
        recent = (
            since.isascii() and since.isdecimal() and len(since) < 12 and time.time() - int(since) < _CHOICE_SECONDS
        )
        if user is None or temporary is None or not recent:
            return self.page(STALE, 403)
        if not self._visit.proves(form["csrf"], *self._about_choice(temporary, int(since))):
            return self.page(STALE, 403)
        try:
            await self._replace(user, temporary, form)
        except DomainError as error:
            return self._choice(user, temporary, int(since), error.message)
        await self._visit.sign_in(user)
        return None

    async def _replace(self, user: User, temporary: Credential, form: Mapping[str, str]) -> None:
        passwords = self._visit.call.services.issuer.passwords
        new = check_password(form["new_password"], user.username, user.email)
        if form["new_password"] != form.get("repeated"):
            raise invalid("the two passwords differ; type the same one twice")
        if await passwords.verify(temporary.password_hash, new):
            raise invalid("this is the temporary password; choose another one")
        who = Actor(user.id, user.username, address=self._visit.call.address)
        await self._store.write(choose_password, who, temporary, await passwords.hash(new))

    @property
    def _store(self) -> Store:
        return self._visit.call.services.store

    def _refused(self, error: DomainError) -> Response:
        if error.kind is ErrorKind.UNAUTHENTICATED:
            return self.page("The username or the password is wrong.", 400)
        page = self.page(error.message, STATUS[error.kind])
        page.headers["retry-after"] = retry_after(error)
        return page


def _waiting(tx: Tx, user_id: str) -> tuple[User | None, Credential | None]:
    """A user who may sign in and the temporary password they have to replace first."""
    user = tx.get(User, user_id)
    return (user, temporary_password(tx, user_id)) if user is not None and user.enabled else (None, None)
