"""Running jobs: each is taken, done with its owner's rights, kept alive by heartbeats, and finished."""

import asyncio
import logging
from asyncio import to_thread
from collections.abc import Coroutine
from contextlib import ExitStack
from typing import Any

import msgspec

from modelyard.core.automation.batch import read_definition
from modelyard.core.automation.data_files import Access, DataFiles
from modelyard.core.automation.ending import finish_job
from modelyard.core.automation.entities import Job, JobKind
from modelyard.core.automation.load import LoadDefinition
from modelyard.core.automation.payloads import manner_of, read_rows
from modelyard.core.automation.replay import prepare_replay
from modelyard.core.automation.running import (
    LONGEST,
    Work,
    beat,
    check_owner,
    owner_credentials,
    prepare_job,
    take_job,
)
from modelyard.core.automation.states import JobState
from modelyard.core.catalogue.model_places import Credentials
from modelyard.core.catalogue.secrets import Sealer
from modelyard.core.identity.token_text import new_text, text_hash
from modelyard.core.kernel.errors import DomainError, ErrorKind, failed_precondition, invalid
from modelyard.core.kernel.store import Store
from modelyard.runner.asking import Deployment
from modelyard.runner.batch import BatchRun
from modelyard.runner.channels import Channels, Ways
from modelyard.runner.load import LoadRun
from modelyard.runner.progress import Progress
from modelyard.runner.replay import Loading, ReplayRun
from modelyard.runner.wire import wire_to

_LOG = logging.getLogger(__name__)
_BEAT_SECONDS = 1.0

Outcome = tuple[JobState, str | None, dict[str, Any] | None]


class Runner:
    """``name`` is unique among all runners, ``limit`` the size in bytes that an output may have."""

    def __init__(  # what it works with
        self, store: Store, files: DataFiles, sealer: Sealer, ways: Ways, loading: Loading, name: str, limit: int
    ) -> None:
        self._store = store
        self._files = files
        self._sealer = sealer
        self._ways = ways
        self._loading = loading
        self._name = name
        self._limit = limit

    def run_all(self) -> None:
        """Run jobs until none waits."""
        while (job := self._store.run_write(take_job, self._name)) is not None:
            asyncio.run(self.run(job))

    async def run(self, job: Job) -> None:
        """Run one job that this runner has taken, to whatever end."""
        progress = Progress()
        outcome = await self._while_ours(job, progress, self._outcome(job, progress))
        if outcome is not None:
            await self._store.write(beat, job.id, self._name, progress.done, progress.failed)
            await self._store.write(finish_job, job.id, self._name, *outcome)

    async def _while_ours(self, job: Job, progress: Progress, doing: Coroutine[Any, Any, Outcome]) -> Outcome | None:
        """What comes of it; None once the job was deleted or given to another runner."""
        task = asyncio.create_task(doing)
        while not task.done():
            await asyncio.wait([task], timeout=_BEAT_SECONDS)
            if not task.done() and not await self._ours(job, progress):
                task.cancel()
                await asyncio.wait([task])
                return None
        return task.result()

    async def _ours(self, job: Job, progress: Progress) -> bool:
        return await self._store.write(beat, job.id, self._name, progress.done, progress.failed)

    async def _outcome(self, job: Job, progress: Progress) -> Outcome:
        try:
            async with asyncio.timeout(LONGEST.total_seconds()):
                return await self._done(job, progress)
        except DomainError as error:
            return JobState.FAILED, await self._reason(job, error), None
        except TimeoutError:
            return JobState.FAILED, f"the job took longer than {LONGEST}", None
        except OSError as error:
            return JobState.FAILED, f"the data cannot be read or written: {error.strerror or error}", None
        except Exception:  # noqa: BLE001  # whatever it was, the job has ended and the next one waits
            _LOG.exception("job %s failed", job.name)
            return JobState.ERROR, "internal error; see the server's log", None

    async def _reason(self, job: Job, error: DomainError) -> str:
        """Why it failed: of a deployment that refuses to answer at all, the store knows better."""
        if error.kind is ErrorKind.FORBIDDEN:
            try:
                await self._store.read(check_owner, job)
            except DomainError as known:
                return f"stopped, with the rights of its owner: {known.message}"
        return error.message

    async def _done(self, job: Job, progress: Progress) -> Outcome:
        if job.kind == JobKind.REPLAY:
            return await self._replay(job, progress)
        token = new_text()
        work = await self._store.write(prepare_job, job, text_hash(token))
        if job.kind == JobKind.BATCH:
            return await self._batch(work, token, progress)
        return await self._load(work, token, progress)

    async def _replay(self, job: Job, progress: Progress) -> Outcome:
        work = await self._store.read(prepare_replay, job)
        result = await ReplayRun(self._loading, work, progress).run()
        every = bool(progress.done) and progress.done == progress.failed
        error = result["errors"][0]["message"] if every else None
        return (JobState.FAILED if error else JobState.SUCCEEDED), error, result

    async def _batch(self, work: Work, token: str, progress: Progress) -> Outcome:
        definition = read_definition(work.job.definition)
        access = Access(work.workspace, await self._credentials(work.job, definition.secret))
        uri = definition.target_of(work.job.name)
        source, target = self._files.source(definition.source, access), self._files.target(uri, access)
        if target.place == source.place:
            raise invalid("the output would replace the input; give them different names")
        channels = Channels(self._ways, token, definition.workers)
        wire = wire_to(work, grpc=definition.grpc)
        asked = channels.grpc(work) if definition.grpc else channels.http()
        deployment = Deployment(wire, asked, retries=definition.retries, interval=definition.interval)
        try:
            with ExitStack() as open_files:
                file = await to_thread(open_files.enter_context, source.opened())
                new = open_files.enter_context(target.replacing(work.job.uid))
                run = BatchRun(work, definition, deployment, progress, self._limit)
                error = await run.run(file, source.name, new.file)
                if not await self._ours(work.job, progress):
                    raise failed_precondition("the job was taken away")
                await to_thread(new.keep)
        finally:
            deployment.close()
        result = {"lines": progress.done, "failed": progress.failed, "output": uri}
        return (JobState.FAILED if error else JobState.SUCCEEDED), error, result

    async def _credentials(self, job: Job, secret: str | None) -> Credentials | None:
        return await self._store.read(owner_credentials, job, self._sealer, secret) if secret else None

    async def _load(self, work: Work, token: str, progress: Progress) -> Outcome:
        definition = LoadDefinition.from_json(work.job.definition)
        wire = wire_to(work)
        payload = msgspec.json.decode(definition.body)
        body = definition.body.encode()
        if manner_of(payload) is not wire.manner:
            body = wire.request(read_rows(payload, work.inputs).records)
        run = LoadRun(wire, Channels(self._ways, token, definition.connections).http(), definition, progress)
        try:
            result = await run.run(body)
        finally:
            run.close()
        error = result["firstError"] if progress.done == progress.failed else None
        return (JobState.FAILED if error else JobState.SUCCEEDED), error, result
