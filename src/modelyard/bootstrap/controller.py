"""The controller: sweeps what dead processes left behind, and watches over the audit log."""

import os
import shutil
from collections.abc import Sequence
from datetime import timedelta

from modelyard.artifacts.local import LocalArtifacts
from modelyard.bootstrap.audit_head import HeadFile
from modelyard.bootstrap.audit_watch import AuditWatch
from modelyard.bootstrap.data_folder import PREPARING, open_store, server_id
from modelyard.bootstrap.environments import open_environments
from modelyard.bootstrap.monitoring import Monitoring
from modelyard.core.automation.ending import give_up, sweep_finished, sweep_jobs, waiting_jobs
from modelyard.core.catalogue.preparing import (
    give_up_preparations,
    sweep_preparations,
    waiting_preparations,
    wanted_environments,
)
from modelyard.core.catalogue.uploading import collect_files
from modelyard.core.identity.access_tokens import sweep_tokens
from modelyard.core.identity.expiry import sweep_identity
from modelyard.core.identity.throttle import sweep_sign_in_records
from modelyard.core.kernel.store import Store, Tx
from modelyard.core.serving.events import trim_events
from modelyard.core.serving.processes import abandon_processes, processes_are_needed
from modelyard.core.serving.rollout.trials import on_trial
from modelyard.core.serving.workers import remove_workers, sweep_workers, workers_of
from modelyard.settings import Settings

_ABANDONED = timedelta(hours=6)
_SWEEP_ROUNDS = 600


class Controller:
    """Its ``run_once`` is called about once a second, in one process of the server."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._store = open_store(settings)
        self._artifacts = LocalArtifacts(settings.data / "blobs")
        self._server_id = server_id(settings)
        self._audit = AuditWatch(self._store, HeadFile(settings.data))
        self._runners = settings.job_runners
        self._monitoring = Monitoring(settings, self._store)
        self._rounds = 0

    def run_once(self) -> None:
        """Note the end of the audit log, give up silent workers; now and then also abandoned uploads, environments that
        no version runs in, and what ended in identity."""
        self._audit.run_once()
        self._store.run_write(sweep_workers)
        self._store.run_write(sweep_jobs)
        self._store.run_write(sweep_preparations)
        if self._store.run_read(on_trial):
            _watch_rollouts(self._store)
        self._monitoring.run_once()
        dead = [worker.id for worker in self._store.run_read(workers_of, self._server_id) if not _alive(worker.pid)]
        if dead:  # on this machine there is no need to wait for heartbeats that do not come
            self._store.run_write(remove_workers, dead)
        if self._rounds % _SWEEP_ROUNDS == 0:
            self._artifacts.sweep(_ABANDONED)
            collect_files(self._store, self._artifacts, _ABANDONED)
            open_environments(self._settings).collect(self._store.run_read(wanted_environments))
            for sweep in (sweep_identity, sweep_tokens, sweep_sign_in_records, sweep_finished, trim_events):
                self._store.run_write(sweep)
        self._rounds += 1

    def wanted_runners(self, running: int) -> int:
        """How many processes that run jobs and prepare models there should be, where so many are at work.

        One more for each that waits, up to a number.
        """
        return min(self._runners, running + self._store.run_read(_waiting)) if self._runners else 0

    def wants_models(self) -> bool:
        """Whether there should be processes of models, or are some."""
        return self._store.run_read(processes_are_needed, self._server_id)

    def abandon_models(self) -> None:
        """Nobody is to ask their processes until they run again."""
        self._store.run_write(abandon_processes, self._server_id)

    def has_workers(self) -> bool:
        """Whether a worker of this server is alive."""
        return any(_alive(worker.pid) for worker in self._store.run_read(workers_of, self._server_id))

    def bury_runners(self, names: Sequence[str], *, blamed: bool = True) -> None:
        """These have ended: others take their jobs."""
        self._store.run_write(give_up, names, blamed=blamed)
        self._store.run_write(give_up_preparations, names, blamed=blamed)
        for name in names:
            shutil.rmtree(self._settings.data / PREPARING / name, ignore_errors=True)


def _watch_rollouts(store: Store) -> None:
    from modelyard.core.serving.rollout.watching import watch_rollouts  # noqa: PLC0415  # it loads numpy

    watch_rollouts(store)


def _waiting(tx: Tx) -> int:
    return waiting_jobs(tx) + waiting_preparations(tx)


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
