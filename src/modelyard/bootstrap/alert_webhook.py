"""Delivers alerts to the address that the operator chose, at least once."""

import logging

import httpx

from modelyard.core.kernel.store import Store
from modelyard.core.monitoring.alerts import delivered, due_notices, undelivered
from modelyard.core.monitoring.entities import AlertNotice

_LOG = logging.getLogger(__name__)
_AT_ONCE = 10
_SECONDS = 5.0


class AlertWebhook:
    """Its ``run_once`` is called about once a second, in one process of the server. Blocking.

    A notice is posted as JSON with its number in ``id``: who gets it twice can tell. Any status but 2xx, a redirect
    too, is a failure.
    """

    def __init__(self, store: Store, url: str) -> None:
        self._store = store
        self._url = url

    def run_once(self) -> None:
        """Try what is due."""
        for notice in self._store.run_read(due_notices, _AT_ONCE):
            problem = self._post(notice)
            if problem is None:
                self._store.run_write(delivered, notice)
            elif not self._store.run_write(undelivered, notice, problem):
                _LOG.error("gave up delivering the alert %r: %s", notice.body.get("title"), problem)

    def _post(self, notice: AlertNotice) -> str | None:
        """What went wrong, or None."""
        try:
            with httpx.Client(timeout=_SECONDS, follow_redirects=False, trust_env=False) as client:
                answer = client.post(self._url, json={"id": notice.id, **notice.body})
        except httpx.HTTPError as error:
            return f"{type(error).__name__}: {error}"
        return None if answer.is_success else f"it answered with status {answer.status_code}"
