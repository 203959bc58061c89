"""What a web process offers to its handlers. ``bootstrap`` fills it; tests may fill it with less."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from modelyard.core.audit.bounded import BoundedRecorder
from modelyard.core.automation.data_files import DataFiles
from modelyard.core.catalogue.artifacts import ArtifactStore
from modelyard.core.catalogue.model_uris import ModelUris
from modelyard.core.catalogue.registry_models import Registries
from modelyard.core.catalogue.secrets import Sealer
from modelyard.core.kernel.actor import Actor
from modelyard.core.kernel.store import Store
from modelyard.core.monitoring.inference_log import LogReader
from modelyard.core.monitoring.log_search import LogSearch
from modelyard.core.serving.explaining import Explainer
from modelyard.core.serving.routes import RouteTable
from modelyard.core.serving.signature import Signature
from modelyard.issuers.embedded.issuer import EmbeddedIssuer
from modelyard.web.inference.admission import Admission
from modelyard.web.inference.keeping import Keeper
from modelyard.web.inference.lanes import Lanes
from modelyard.web.inference.protocol import InferenceProtocol
from modelyard.web.session_cookie import SessionCookie


class Authenticator(Protocol):
    """Turns an Authorization header into the caller."""

    async def authenticate(self, authorization: str | None) -> Actor:
        """The caller, fresh for one request; ``UNAUTHENTICATED`` when missing, malformed, expired or revoked."""


class PasswordAuthenticator(Protocol):
    """Turns an Authorization header of the scheme Basic into the caller."""

    async def authenticate(self, authorization: str, address: str | None) -> Actor:
        """The caller, fresh for one request; ``UNAUTHENTICATED`` or ``RATE_LIMITED`` otherwise."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Sizes in bytes that requests may not exceed."""

    body_bytes: int
    upload_bytes: int


@dataclass(frozen=True, slots=True)
class Serving:
    """What this process serves, who may ask it in which protocols (by name), and where answers are kept.

    ``lanes`` is where requests run that do not run on the event loop.
    ``identity_admission`` is for the protocols whose clients send ID tokens and sessions.
    """

    routes: RouteTable
    admission: Admission
    identity_admission: Admission
    keeper: Keeper
    lanes: Lanes
    protocols: Mapping[str, InferenceProtocol]


@dataclass(frozen=True, slots=True)
class Services:
    """The ports that handlers call.

    ``identity_authenticator`` takes ID tokens and sessions besides what ``authenticator`` takes, for the dialects whose
    clients send these; the two remember nothing in common. ``code_refusal`` says why models that bring code are not
    taken, None where they are. ``alerted`` tells whether alerts are sent anywhere.
    """

    store: Store
    authenticator: Authenticator
    identity_authenticator: Authenticator
    session_cookie: SessionCookie
    basic: PasswordAuthenticator
    limits: Limits
    public_url: str | None
    issuer: EmbeddedIssuer
    artifacts: ArtifactStore
    check_model: Callable[[Path], Signature]
    fold_model: Callable[[Path, Mapping[str, Path], Path], None]
    code_refusal: Callable[[], str | None]
    logs: LogReader
    log_search: LogSearch
    serving: Serving
    audit: BoundedRecorder
    files: DataFiles
    explainer: Explainer
    model_uris: ModelUris
    registries: Registries
    sealer: Sealer
    s3_endpoints: frozenset[str]
    grpc: bool
    alerted: bool
