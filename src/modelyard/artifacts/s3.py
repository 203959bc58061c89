"""Files in S3 buckets, of models and of jobs: ``s3://bucket/models/iris``.

Which servers are asked is for the operator to say: the default endpoint, those that secrets may name instead, and
Amazon where no default is set. Nothing in a URI or a secret can lead elsewhere: bucket and region are checked before
they become part of an address.
"""

import os
import re
from collections.abc import Callable, Mapping, Sequence
from typing import IO, Any

import obstore
from obstore.exceptions import BaseError, PermissionDeniedError, UnauthenticatedError
from obstore.store import S3Store

from modelyard.core.catalogue.model_places import FILES_MAX, Credentials, too_many_files
from modelyard.core.kernel.errors import DomainError, ErrorKind, invalid, not_found

_BUCKET = re.compile(r"[a-z0-9][a-z0-9-]{1,61}[a-z0-9]|[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_REGION = re.compile(r"[a-z0-9-]{1,40}")
_DEFAULT_REGION = "us-east-1"
_WAITING = {"connect_timeout": "5s", "read_timeout": "30s", "timeout": "15m"}
_READ_BYTES = 1024 * 1024


class Buckets:
    """Opens what stands behind ``s3://`` in a bucket of an endpoint that the operator named.

    ``what`` is looked for there, as messages name it.
    """

    def __init__(self, endpoint: str | None, others: Sequence[str], what: str = "model") -> None:
        self._what = what
        self._endpoint = endpoint
        self._allowed = frozenset(others) | ({endpoint} if endpoint else frozenset())
        for name in [name for name in os.environ if name.startswith("AWS_")]:
            del os.environ[name]  # the library would sign with them, and the buckets are those that users name

    def __call__(self, rest: str, credentials: Credentials | None) -> "S3Folder":
        bucket, _, key = rest.partition("/")
        if not _BUCKET.fullmatch(bucket) or ".." in bucket:
            raise invalid(
                f"{bucket[:80]!r} is not the name of an S3 bucket; write s3://bucket/path of the {self._what}"
            )
        if not key.strip("/"):
            raise invalid(f"s3://{bucket} names a whole bucket; write s3://{bucket}/ and the path of the {self._what}")
        held = credentials or {}
        region = held.get("region") or _DEFAULT_REGION
        if not _REGION.fullmatch(region):
            raise invalid(f"the secret's region {region[:40]!r} is not one: use lower-case letters, digits and hyphens")
        endpoint = self.endpoint(held.get("endpoint"))
        config: dict[str, Any] = {"region": region, "virtual_hosted_style_request": False} | _signing(held)
        if endpoint:
            config["endpoint"] = endpoint
        options: Any = {**_WAITING, "allow_http": bool(endpoint and endpoint.startswith("http://"))}
        store = S3Store(bucket, config=config, client_options=options, retry_config={"max_retries": 2})  # type: ignore[arg-type]
        return S3Folder(store, bucket, key.strip("/"), self._what)

    def endpoint(self, named: str | None) -> str | None:
        """The endpoint to ask when a secret names this one; ``INVALID`` for one that the operator did not name."""
        if not named:
            return self._endpoint
        wanted = named.rstrip("/")
        if wanted not in self._allowed:
            raise invalid(
                f"the S3 endpoint {wanted[:200]!r} is not one that this server may ask; an administrator can name it "
                "in the setting s3_endpoints"
            )
        return wanted


class S3Folder:
    """See ``core.catalogue.model_places.Folder``; or a single object."""

    def __init__(self, store: S3Store, bucket: str, key: str, what: str) -> None:
        self._what = what
        self._store = store
        self._bucket = bucket
        self._key = key
        self._single = False

    def files(self) -> Mapping[str, int]:
        with _told(self._what, self.place):
            try:
                size = int(obstore.head(self._store, self._key)["size"])
            except FileNotFoundError:
                return self._below()
        self._single = True
        return {self._key.rpartition("/")[2]: size}

    def copy(self, path: str, write: Callable[[bytes], None]) -> None:
        key = self._key if self._single else f"{self._key}/{path}"
        with _told(self._what, f"s3://{self._bucket}/{key}"):
            for chunk in obstore.get(self._store, key).stream(min_chunk_size=_READ_BYTES):
                write(bytes(chunk))

    @property
    def place(self) -> str:
        """The URI of the object, whatever the store was called."""
        return f"s3://{self._bucket}/{self._key}"

    def size(self) -> int:
        """Bytes of the single object that is there; ``NOT_FOUND`` for a folder."""
        with _told(self._what, self.place):
            size = int(obstore.head(self._store, self._key)["size"])
        self._single = True
        return size

    def put(self, file: IO[bytes]) -> None:
        """Write the object, in parts when it is large: nobody sees it before all of it is there."""
        with _told(self._what, self.place):
            obstore.put(self._store, self._key, file)

    def _below(self) -> Mapping[str, int]:
        found: dict[str, int] = {}
        for batch in obstore.list(self._store, prefix=f"{self._key}/", chunk_size=FILES_MAX + 1):
            found |= {item["path"].removeprefix(f"{self._key}/"): int(item["size"]) for item in batch}
            if len(found) > FILES_MAX:
                raise too_many_files()
        if not found:
            raise not_found(self._what, self.place)
        return found


class _told:  # noqa: N801  # reads as a phrase: with told(where)
    """Turns what the library raises into our errors, without its text: that may show addresses and headers."""

    def __init__(self, what: str, shown: str) -> None:
        self._what = what
        self._shown = shown[:300]

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, FileNotFoundError):
            raise not_found(self._what, self._shown) from error
        if isinstance(error, PermissionDeniedError | UnauthenticatedError | PermissionError):
            message = f"the store refuses to show or change {self._shown}; name a secret of the workspace that opens it"
            raise DomainError(ErrorKind.FORBIDDEN, message) from error
        if isinstance(error, BaseError | OSError):
            message = f"the store of {self._shown} cannot be reached or does not answer; try again later"
            raise DomainError(ErrorKind.UNAVAILABLE, message) from error


def _signing(held: Credentials) -> dict[str, Any]:
    if not held.get("access_key_id"):
        return {"skip_signature": True}
    signing = {"access_key_id": held["access_key_id"], "secret_access_key": held.get("secret_access_key", "")}
    return signing | ({"session_token": held["session_token"]} if held.get("session_token") else {})
