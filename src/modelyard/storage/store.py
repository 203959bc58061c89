"""``SqlStore``: runs use-cases in transactions of SQLite or PostgreSQL, on threads of its own.

SQLite: WAL, every commit synced to disk, one writer at a time (BEGIN IMMEDIATE), readers on a snapshot of their own.
PostgreSQL: SERIALIZABLE for writers, so that a use-case may read and then decide as if it were alone; a transaction
that collides with another is run again, alone.
"""

import asyncio
import logging
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, create_engine, event, make_url, select
from sqlalchemy.exc import DBAPIError, OperationalError

from modelyard.core.kernel.errors import DomainError, ErrorKind
from modelyard.core.kernel.store import Topic
from modelyard.storage.group_commit import GroupCommit, Raised
from modelyard.storage.schema import generations
from modelyard.storage.transaction import SqlTx

T = TypeVar("T")

_LOG = logging.getLogger(__name__)
_COLLISIONS = {"40001", "40P01", "23505"}
"""serialization_failure, deadlock_detected and unique_violation (PostgreSQL, appendix A). Who may meet something taken
says ``CONFLICT``; that it comes here means that another was faster.
"""
_ATTEMPTS = 4
_BESIDE, _ALONE = (f"LOCK TABLE {generations.name} IN {mode} MODE" for mode in ("ROW SHARE", "EXCLUSIVE"))
"""How a write of PostgreSQL begins (13.3.1): any number hold the first at once; the second waits for those, and nobody
begins meanwhile. The snapshot is taken after it (13.2.3): nothing can collide with who is alone. Readers see neither.
"""
_BUSY_MS = 15_000


def sqlite_url(path: Path) -> str:
    """The database URL of a SQLite file."""
    return f"sqlite:///{path}"


class SqlStore:
    """See ``core.kernel.store.Store``. ``clock`` gives the time that use-cases see as ``tx.now``."""

    def __init__(self, url: str, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._clock = clock
        self._sqlite = make_url(url).get_backend_name() == "sqlite"
        self._reader, self._writer = _sqlite_engines(url) if self._sqlite else _postgresql_engines(url)
        self._read_threads = ThreadPoolExecutor(4, "store-read")
        self._write_threads = ThreadPoolExecutor(1 if self._sqlite else 4, "store-write")
        self._listeners: list[Callable[[set[Topic]], None]] = []
        self._group = GroupCommit(self._write_threads, self._write_together, self.run_write)

    async def read(self, use_case: Callable[..., T], *args: Any, **kwargs: Any) -> T:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._read_threads, lambda: self.run_read(use_case, *args, **kwargs))

    async def glance(self, use_case: Callable[..., T], *args: Any, **kwargs: Any) -> T:
        if self._sqlite:  # a few rows by key are there sooner than a thread would begin to look for them
            return self.run_read(use_case, *args, **kwargs)
        return await self.read(use_case, *args, **kwargs)

    async def write(self, use_case: Callable[..., T], *args: Any, **kwargs: Any) -> T:
        if self._sqlite:
            return await self._group.write(lambda tx: use_case(tx, *args, **kwargs))
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._write_threads, lambda: self.run_write(use_case, *args, **kwargs))

    def run_read(self, use_case: Callable[..., T], *args: Any, **kwargs: Any) -> T:
        """``read`` for callers that have a thread of their own."""
        with _reachable(), self._reader.connect() as connection, connection.begin():
            return use_case(SqlTx(connection, self._clock()), *args, **kwargs)

    def run_write(self, use_case: Callable[..., T], *args: Any, **kwargs: Any) -> T:
        """``write`` for callers that have a thread of their own."""
        for attempt in range(_ATTEMPTS):
            try:
                return self._write_once(use_case, args, kwargs, alone=attempt > 0)
            except DBAPIError as error:
                if getattr(error.orig, "sqlstate", None) not in _COLLISIONS:
                    raise _unavailable(error) from error
        raise DomainError(ErrorKind.UNAVAILABLE, "too many changes at once to the same things; try again")

    def generations(self) -> dict[Topic, int]:
        """The generation of every topic; a number that grew says that what is held of the topic is old."""
        with _reachable(), self._reader.connect() as connection, connection.begin():
            rows = connection.execute(select(generations.c.topic, generations.c.value)).all()
        return {Topic(topic): value for topic, value in rows}

    def on_touch(self, listener: Callable[[set[Topic]], None]) -> None:
        """Call ``listener`` (on a store thread) after each commit of this process that touched topics."""
        self._listeners.append(listener)

    def connection(self) -> Connection:
        """A plain connection for migrations and health checks."""
        return self._writer.connect()

    def close(self) -> None:
        """Finish what is under way and close all connections."""
        for threads in (self._read_threads, self._write_threads):
            threads.shutdown(wait=True)
        self._reader.dispose()
        self._writer.dispose()

    def _write_once(self, use_case: Callable[..., T], args: Any, kwargs: Any, *, alone: bool) -> T:
        with self._writer.connect() as connection, connection.begin():
            if not self._sqlite:
                connection.exec_driver_sql(_ALONE if alone else _BESIDE)
            tx = SqlTx(connection, self._clock())
            result = use_case(tx, *args, **kwargs)
        if tx.touched:
            for listener in self._listeners:
                listener(tx.touched)
        return result

    def _write_together(self, use_cases: list[Callable[[SqlTx], Any]]) -> list[Any]:
        """Run use-cases one after another in one transaction; a result is what was returned or raised."""
        touched: set[Topic] = set()
        with self._writer.connect() as connection, connection.begin():
            results = [self._in_savepoint(connection, use_case, touched) for use_case in use_cases]
        if touched:
            for listener in self._listeners:
                listener(touched)
        return results

    def _in_savepoint(self, connection: Connection, use_case: Callable[[SqlTx], Any], touched: set[Topic]) -> Any:
        driver: Any = connection.connection.dbapi_connection
        driver.execute("SAVEPOINT one")
        tx = SqlTx(connection, self._clock())
        try:
            result = use_case(tx)
            touched |= tx.touched
        except DBAPIError:
            raise
        except Exception as error:  # noqa: BLE001  # handed to whoever asked
            result = Raised(error)
            driver.execute("ROLLBACK TO one")
        driver.execute("RELEASE one")
        return result


class _reachable:  # noqa: N801  # a context manager, read like a keyword
    """Turns a database that cannot be reached into ``UNAVAILABLE``."""

    def __enter__(self) -> None: ...

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, OperationalError):
            raise _unavailable(error) from error


def _unavailable(error: DBAPIError) -> DomainError:
    _LOG.error("the database failed: %s", error.orig)
    full = (
        getattr(error.orig, "sqlite_errorname", "") == "SQLITE_FULL" or getattr(error.orig, "sqlstate", "") == "53100"
    )
    if full:
        message = "the database cannot be written: its disk is full; nothing was changed"
        return DomainError(ErrorKind.UNAVAILABLE, message, full=True)
    return DomainError(ErrorKind.UNAVAILABLE, "the database cannot be reached or is busy; try again shortly")


def _sqlite_engines(url: str) -> tuple[Engine, Engine]:
    def engine(begin: str, query_only: str) -> Engine:
        made = create_engine(url, connect_args={"check_same_thread": False}, pool_size=5, max_overflow=2)

        @event.listens_for(made, "connect")
        def configure(connection: sqlite3.Connection, _: object) -> None:
            connection.isolation_level = None  # transactions begin where we say, not where the driver guesses
            for pragma in (
                f"busy_timeout = {_BUSY_MS}",
                "journal_mode = WAL",
                "synchronous = FULL",
                "foreign_keys = ON",
                "case_sensitive_like = ON",  # as PostgreSQL's
                f"query_only = {query_only}",
            ):
                connection.execute(f"PRAGMA {pragma}")

        @event.listens_for(made, "begin")
        def start(connection: Connection) -> None:
            connection.exec_driver_sql(begin)

        return made

    return engine("BEGIN", "ON"), engine("BEGIN IMMEDIATE", "OFF")


def _postgresql_engines(url: str) -> tuple[Engine, Engine]:
    full = make_url(url).set(drivername="postgresql+psycopg")
    reader = create_engine(full, isolation_level="REPEATABLE READ", pool_size=4, pool_pre_ping=True)
    writer = create_engine(full, isolation_level="SERIALIZABLE", pool_size=4, pool_pre_ping=True)

    @event.listens_for(reader, "begin")
    def read_only(connection: Connection) -> None:
        connection.exec_driver_sql("SET TRANSACTION READ ONLY")

    return reader, writer
