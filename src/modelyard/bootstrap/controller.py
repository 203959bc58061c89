"""The controller: sweeps what dead processes left behind, and watches over the audit log."""

import os
from collections.abc import Sequence
from datetime import timedelta

from modelyard.artifacts.local import LocalArtifacts
from modelyard.bootstrap.audit_head import HeadFile
from modelyard.bootstrap.audit_watch import AuditWatch
from modelyard.bootstrap.data_folder import open_store, server_id
from modelyard.bootstrap.monitoring import Monitoring
from modelyard.core.automation.running import give_up, sweep_finished, sweep_jobs, waiting_jobs
from modelyard.core.catalogue.uploading import collect_files
from modelyard.core.identity.access_tokens import sweep_tokens
from modelyard.core.identity.expiry import sweep_identity
from modelyard.core.identity.throttle import sweep_sign_in_records
from modelyard.core.serving.events import trim_events
from modelyard.core.serving.workers import remove_workers, sweep_workers, workers_of
from modelyard.settings import Settings

_ABANDONED = timedelta(hours=6)
_SWEEP_ROUNDS = 600


class Controller:
    """Its ``run_once`` is called about once a second, in one process of the server."""

    def __init__(self, settings: Settings) -> None:
        self._store = open_store(settings)
        self._artifacts = LocalArtifacts(settings.data / "blobs")
        self._server_id = server_id(settings)
        self._audit = AuditWatch(self._store, HeadFile(settings.data))
        self._runners = settings.job_runners
        self._monitoring = Monitoring(settings, self._store)
        self._rounds = 0

    def run_once(self) -> None:
        """Note the end of the audit log, give up silent workers; now and then also abandoned uploads and what ended in
        identity."""
        self._audit.run_once()
        self._store.run_write(sweep_workers)
        self._store.run_write(sweep_jobs)
        self._monitoring.run_once()
        dead = [worker.id for worker in self._store.run_read(workers_of, self._server_id) if not _alive(worker.pid)]
        if dead:  # on this machine there is no need to wait for heartbeats that do not come
            self._store.run_write(remove_workers, dead)
        if self._rounds % _SWEEP_ROUNDS == 0:
            self._artifacts.sweep(_ABANDONED)
            collect_files(self._store, self._artifacts, _ABANDONED)
            for sweep in (sweep_identity, sweep_tokens, sweep_sign_in_records, sweep_finished, trim_events):
                self._store.run_write(sweep)
        self._rounds += 1

    def wanted_runners(self) -> int:
        """How many processes that run jobs there should be now: one for each job that waits, up to a number."""
        return min(self._runners, self._store.run_read(waiting_jobs)) if self._runners else 0

    def bury_runners(self, names: Sequence[str], *, blamed: bool = True) -> None:
        """These have ended: others take their jobs."""
        self._store.run_write(give_up, names, blamed=blamed)


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
