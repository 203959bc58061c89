"""Signing in on a page."""

from collections.abc import Mapping

from starlette.responses import Response

from modelyard.core.kernel.errors import DomainError, ErrorKind, retry_after
from modelyard.dialects.openid.dialect import STATUS
from modelyard.dialects.openid.pages import login_page
from modelyard.dialects.openid.visits import Visit

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
        """Sign in by the form; the page again, with the reason, when that does not work."""
        if not self._visit.proves(form["csrf"], "login", self._action):
            return self.page(STALE, 403)
        self._username = form.get("username", "")[:255]
        issuer = self._visit.call.services.issuer
        username, password, address = form.get("username", ""), form.get("password", ""), self._visit.call.address
        try:
            user = await issuer.credentials.check(username, password, address)
        except DomainError as error:
            return self._refused(error)
        await self._visit.sign_in(user)
        return None

    def _refused(self, error: DomainError) -> Response:
        if error.kind is ErrorKind.UNAUTHENTICATED:
            return self.page("The username or the password is wrong.", 400)
        page = self.page(error.message, STATUS[error.kind])
        page.headers["retry-after"] = retry_after(error)
        return page
