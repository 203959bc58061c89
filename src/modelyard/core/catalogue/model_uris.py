"""From the URI of a model to a version of the catalogue, which can then be served.

Callers use ``ModelUris.versions(actor, workspace_id, sources)``. It blocks (files are downloaded and checked), so it is
called on a thread and before the transaction that needs the versions.

    iris                              the newest version of the workspace's model ``iris``
    modelyard://slug/iris[/uuid]      the same in the workspace of this slug, or just this version
    models:/iris/3, models:/iris@best a version of the model registry, by its number or an alias
    runs:/<run id>/model              a model among the artifacts of a run
    file:///models/iris               below one of the folders that the operator opened
    s3://bucket/models/iris           an S3 bucket, with a secret of the workspace or anonymously

The last three name a file or a folder. Its model is copied to the artifact store and becomes a version of the model
``model_name(uri)`` of the workspace. What lies there but cannot be served makes a version in the state ERROR that says
why. The same URI with the same content gives the same version again.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from modelyard.core.access.check import ask, require
from modelyard.core.access.permissions import Permission
from modelyard.core.catalogue.entities import Model, ModelVersion, Workspace
from modelyard.core.catalogue.model_files import telling_part
from modelyard.core.catalogue.model_intake import Intake, Place, may_import
from modelyard.core.catalogue.model_places import Credentials, Folder, Opener, Registry, StoredFolder, kind_of
from modelyard.core.catalogue.models import own_model
from modelyard.core.kernel.actor import Actor
from modelyard.core.kernel.errors import DomainError, invalid, not_found
from modelyard.core.kernel.names import label, slug_of
from modelyard.core.kernel.store import Store, Tx

URI_MAX = 1024
CATALOGUE, MODELS, RUNS = "modelyard", "models", "runs"

_MARKS = "#?%\\"


@dataclass(frozen=True, slots=True)
class ModelSource:
    """A model that somebody asks for.

    ``secret`` is the name of a secret of the workspace; ``version`` chooses among folders with numbers.
    """

    uri: str
    secret: str | None = None
    version: int | None = None


class ModelUris:
    """Finds the versions that URIs name, and makes those of models outside. ``openers`` are by scheme."""

    def __init__(
        self,
        store: Store,
        intake: Intake,
        registry: Registry,
        openers: Mapping[str, Opener],
        credentials: Callable[[Tx, Actor, int, str], Credentials],
    ) -> None:
        self._store = store
        self._intake = intake
        self._registry = registry
        self._openers = openers
        self._credentials = credentials

    def versions(self, actor: Actor, workspace_id: int, sources: list[ModelSource]) -> list[ModelVersion]:
        """A version for each source, READY or in ERROR with the reason, in their order.

        Versions of other workspaces are those that the actor may use. ``INVALID`` for a URI that this server cannot
        follow, whatever is there; ``NOT_FOUND`` for what the actor may not see; ``UNAVAILABLE`` when a store outside
        cannot be reached: then the same request may work later.
        """
        return [self._version(actor, workspace_id, source) for source in sources]

    def _version(self, actor: Actor, workspace_id: int, source: ModelSource) -> ModelVersion:
        scheme, rest = split_uri(source.uri)
        if scheme == CATALOGUE:
            return self._store.run_read(catalogued, actor, workspace_id, rest)
        if scheme == MODELS:
            found = self._store.run_read(self._registered, actor, workspace_id, rest)
            if found is not None:
                return found
        place = Place(workspace_id, source.uri, model_name(source.uri), source.version)
        self._store.run_read(may_import, actor, place)
        if scheme in (MODELS, RUNS):
            kept = self._store.run_read(self._registry.files, actor, scheme, rest)
            return self._intake.take(actor, place, StoredFolder(kept, self._intake.artifacts))
        return self._intake.take(actor, place, self._opened(actor, workspace_id, source, scheme, rest))

    def _registered(self, tx: Tx, actor: Actor, workspace_id: int, rest: str) -> ModelVersion | None:
        version = self._registry.version(tx, actor, rest)
        return version and _usable(tx, actor, workspace_id, version, f"models:/{rest}")

    def _opened(self, actor: Actor, workspace_id: int, source: ModelSource, scheme: str, rest: str) -> Folder:
        """The place outside."""
        held = self._store.run_read(self._credentials, actor, workspace_id, source.secret) if source.secret else None
        kind = kind_of(scheme, held)
        if kind not in self._openers:
            raise _unknown_scheme(kind, self._openers)
        return self._openers[kind](rest, held)


def split_uri(uri: str) -> tuple[str, str]:
    """Scheme and what stands behind its slashes; a plain name is one of the catalogue. ``INVALID`` for disguises.

    Nothing is decoded, and what would mean something else once decoded is refused.
    """
    parts = uri.split("/")
    if not uri or len(uri) > URI_MAX or not uri.isprintable() or any(mark in uri for mark in _MARKS) or ".." in parts:
        raise invalid(
            f"the model URI {uri[:200]!r} is not allowed: use at most {URI_MAX} printable characters, and no '..', "
            "'#', '?', '%' or backslash"
        )
    scheme, colon, rest = uri.partition(":")
    if not colon and uri.startswith("/"):
        raise invalid(f"the model URI {uri[:200]!r} is a path; write file://{uri[:200]}")
    if not colon:
        return CATALOGUE, f"/{uri}"
    if scheme in (MODELS, RUNS):
        return scheme, rest.strip("/")
    return scheme.lower(), rest.removeprefix("//")


def model_name(uri: str) -> str:
    """The name, a label, that a model taken from this URI has in the catalogue."""
    return slug_of(telling_part(uri), "model")


def catalogued(tx: Tx, actor: Actor, workspace_id: int, rest: str) -> ModelVersion:
    """The version that ``<slug>/<model>[/<uuid>]`` names; an empty slug is the workspace itself."""
    slug, _, named = rest.partition("/")
    name, _, uuid = named.partition("/")
    label("model", name)
    place = tx.first(Workspace, slug=slug) if slug else tx.get(Workspace, workspace_id)
    where = {"version": uuid} if uuid else {}
    model = tx.first(Model, workspace_id=place.id, name=name) if place else None
    version = tx.first(ModelVersion, order_by="-id", model_id=model.id, **where) if model else None
    shown = rest.strip("/")
    if version is None:
        ask(actor, Permission.MODEL_READ)
        raise not_found("model", shown)
    return _usable(tx, actor, workspace_id, version, shown)


def _usable(tx: Tx, actor: Actor, workspace_id: int, version: ModelVersion, shown: str) -> ModelVersion:
    """As for the models of every pipeline: those of other workspaces need the permission to use them."""
    permission = Permission.MODEL_READ if version.workspace_id == workspace_id else Permission.MODEL_USE
    require(tx, actor, permission, version.workspace_id, "model", shown, own_model(version))
    return version


def _unknown_scheme(scheme: str, openers: Mapping[str, Opener]) -> DomainError:
    known = ", ".join(f"{each}://" for each in sorted(openers))
    return invalid(
        f"models cannot be read from {scheme[:40]}://: use the name of a model, {CATALOGUE}://, models:/, runs:/, "
        f"{known}",
        scheme=scheme[:40],
    )
