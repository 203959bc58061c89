"""Keeps ``audit.head`` at the end of the log, and refuses to where the log does not continue what it says."""

import logging

from modelyard.bootstrap.audit_head import HeadFile
from modelyard.core.audit.verification import head, verify
from modelyard.core.kernel.errors import DomainError
from modelyard.core.kernel.store import Store

_LOG = logging.getLogger(__name__)


class AuditWatch:
    """Its ``run_once`` is called about once a second. A problem is told once, and the file then left as it is."""

    def __init__(self, store: Store, file: HeadFile) -> None:
        self._store = store
        self._file = file
        self._told: str | None = None

    def run_once(self) -> None:
        """Verify what came since the last time, and note its end."""
        try:
            problem = self._advance()
        except OSError as error:  # as when the disk is full: the rest of the controller's work goes on
            problem = f"cannot note where it ends: {error}"
        if problem is not None and problem != self._told:
            _LOG.error("the audit log needs an administrator: %s", problem)
        self._told = problem

    def _advance(self) -> str | None:
        try:
            noted = self._file.read()
        except DomainError as error:
            return error.message
        if self._store.run_read(head) == noted:
            return None
        verdict = self._store.run_read(verify, since=noted)
        if verdict.problem is None:
            self._file.write(verdict.last)
        return verdict.problem
