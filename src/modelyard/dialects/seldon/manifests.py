"""A SeldonDeployment's manifest, read and checked (shared/spec/seldon.md, 2.2 and 4.5).

The manifest itself is kept as it was sent; what is read here is the part of it that has a meaning without Kubernetes.
Every refusal names the field, as in ``spec.predictors[0].graph.children[1].modelUri``.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from modelyard.core.kernel.errors import invalid
from modelyard.core.kernel.names import label
from modelyard.dialects.seldon.fields import (
    a_list,
    an_object,
    one_of,
    resource_version,
    text_or_none,
    whole,
    wrong,
)
from modelyard.dialects.seldon.servers import IMAGES, IMPLEMENTATIONS, REFUSED, SERVERS, wrong_protocol

Document = Mapping[str, Any]

PROTOCOLS = ("seldon", "v2", "kfserving", "tensorflow")
TYPES = ("MODEL", "ROUTER", "COMBINER", "TRANSFORMER", "OUTPUT_TRANSFORMER")
METHODS = ("TRANSFORM_INPUT", "TRANSFORM_OUTPUT", "ROUTE", "AGGREGATE", "SEND_FEEDBACK")
LOGGER_MODES = ("all", "request", "response")
_METHOD_OF_TYPE = {
    "ROUTER": "ROUTE",
    "COMBINER": "AGGREGATE",
    "TRANSFORMER": "TRANSFORM_INPUT",
    "OUTPUT_TRANSFORMER": "TRANSFORM_OUTPUT",
}
_MAX_PREDICTORS = 100
_MAX_UNITS = 100
_MAX_DEPTH = 20


@dataclass(frozen=True, slots=True)
class Unit:
    """One unit of a graph. ``kind`` is one of ``TYPES``, ``place`` where it stands in the manifest."""

    name: str
    kind: str
    implementation: str | None
    model_uri: str | None
    secret: str | None
    parameters: dict[str, str]
    children: tuple["Unit", ...]
    place: str

    def all(self) -> Iterator["Unit"]:
        """This unit and those below it."""
        yield self
        for child in self.children:
            yield from child.all()


@dataclass(frozen=True, slots=True)
class Predictor:
    """One predictor: its graph, and its share of the traffic in percent (of a shadow, of the copies)."""

    name: str
    traffic: int
    shadow: bool
    graph: Unit
    place: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a SeldonDeployment asks for. ``resource_version`` is the one that the sender read before."""

    name: str
    protocol: str
    predictors: tuple[Predictor, ...]
    resource_version: int | None
    document: dict[str, Any]


def read_manifest(document: Any, namespace: str, name: str | None = None) -> Manifest:
    """The manifest for this namespace; ``name`` is what the URL says."""
    body = an_object(document, "the body")
    if body.get("kind", "SeldonDeployment") != "SeldonDeployment":
        raise wrong("kind", body["kind"], "SeldonDeployment")
    metadata = an_object(body.get("metadata") or {}, "metadata")
    spec = an_object(body.get("spec") or {}, "spec")
    protocol = one_of("spec.protocol", spec.get("protocol") or "seldon", PROTOCOLS)
    _check_transport(spec)
    predictors = tuple(_predictor(p, f"spec.predictors[{at}]", protocol) for at, p in enumerate(_predictors(spec)))
    _check_traffic(predictors)
    return Manifest(
        name=_name(metadata, body, namespace, name),
        protocol=protocol,
        predictors=predictors,
        resource_version=resource_version(metadata.get("resourceVersion")),
        document={key: value for key, value in body.items() if key != "status"},
    )


def _name(metadata: Document, body: Document, namespace: str, name: str | None) -> str:
    given = metadata.get("name") or body.get("name") or name
    if not isinstance(given, str):
        raise invalid("metadata.name is missing: name the deployment", field="metadata.name")
    label("deployment", given)
    if name is not None and given != name:
        raise invalid(f"metadata.name is {given!r}, but the URL names {name!r}", field="metadata.name")
    if given == "validate":
        raise invalid("a deployment cannot be named 'validate': its URL belongs to the API", field="metadata.name")
    there = metadata.get("namespace") or body.get("namespace") or namespace
    if there != namespace:
        raise invalid(f"metadata.namespace is {there!r}, but the URL names {namespace!r}", field="metadata.namespace")
    return given


def _check_transport(spec: Document) -> None:
    one_of("spec.transport", spec.get("transport") or "rest", ("rest", "grpc"))
    server = one_of("spec.serverType", spec.get("serverType") or "rpc", ("rpc", "kafka"))
    if server == "kafka":
        raise invalid("spec.serverType 'kafka' is not supported: this server needs no Kafka; use 'rpc'")


def _predictors(spec: Document) -> list[Any]:
    found = spec.get("predictors")
    if not isinstance(found, list) or not found:
        raise invalid("spec.predictors must list at least one predictor", field="spec.predictors")
    if len(found) > _MAX_PREDICTORS:
        raise invalid(
            f"spec.predictors: at most {_MAX_PREDICTORS} predictors, got {len(found)}", field="spec.predictors"
        )
    return found


def _predictor(given: Any, place: str, protocol: str) -> Predictor:
    body = an_object(given, place)
    name = body.get("name")
    if not isinstance(name, str) or not name:
        raise invalid(f"{place}.name is missing", field=f"{place}.name")
    graph = _Reader(protocol, _containers(body, place)).unit(body.get("graph"), f"{place}.graph")
    names = [unit.name for unit in graph.all()]
    twice = next((each for each in names if names.count(each) > 1), None)
    if twice is not None:
        raise invalid(f"{place}.graph has two units named {twice!r}; name them apart", field=f"{place}.graph")
    annotations = an_object(body.get("annotations") or {}, f"{place}.annotations")
    if annotations.get("seldon.io/no-engine") == "true" and len(names) > 1:
        raise invalid(f"{place}.annotations: seldon.io/no-engine is for graphs of one unit only")
    traffic = whole(f"{place}.traffic", body.get("traffic", 0), 0, 100)
    return Predictor(label("predictor", name), traffic, body.get("shadow") is True, graph, place)


def _check_traffic(predictors: tuple[Predictor, ...]) -> None:
    names = [predictor.name for predictor in predictors]
    twice = next((p for at, p in enumerate(predictors) if p.name in names[:at]), None)
    if twice is not None:
        raise invalid(f"{twice.place}.name: two predictors are named {twice.name!r}", field=f"{twice.place}.name")
    shadows = [predictor for predictor in predictors if predictor.shadow]
    answering = [predictor for predictor in predictors if not predictor.shadow]
    if not answering:
        raise invalid(f"{shadows[0].place}.shadow: a shadow cannot be alone; add a predictor that answers")
    if len(shadows) > 1:
        raise invalid(f"{shadows[1].place}.shadow: there can be one shadow only", field=f"{shadows[1].place}.shadow")
    total = sum(predictor.traffic for predictor in answering)
    if len(answering) == 1:
        if total not in (0, 100):
            raise invalid(f"{answering[0].place}.traffic must be 100 or left out for the only predictor, got {total}")
    elif total != 100:
        raise invalid(f"spec.predictors: traffic must add up to 100, got {total}", field="spec.predictors")


class _Reader:
    """Reads the graph of one predictor."""

    def __init__(self, protocol: str, containers: Mapping[str, tuple[str, str]]) -> None:
        self._protocol = protocol
        self._containers = containers
        self._units = 0

    def unit(self, given: Any, place: str, depth: int = 1) -> Unit:
        """The unit and those below it."""
        body = an_object(given, place)
        self._units += 1
        if self._units > _MAX_UNITS or depth > _MAX_DEPTH:
            raise invalid(f"{place}: a graph may have {_MAX_UNITS} units, {_MAX_DEPTH} deep, and no more")
        name = body.get("name")
        if not isinstance(name, str) or not name or len(name) > 100:
            raise invalid(f"{place}.name is missing", field=f"{place}.name")
        implementation = self._implementation(body, name, place)
        kind = _kind(body, implementation, place)
        children = a_list(body.get("children"), f"{place}.children")
        unit = Unit(
            name=name,
            kind=kind,
            implementation=implementation,
            model_uri=self._model_uri(body, implementation, place),
            secret=text_or_none(body.get("envSecretRefName"), f"{place}.envSecretRefName"),
            parameters=_parameters(body, place),
            children=tuple(self.unit(c, f"{place}.children[{at}]", depth + 1) for at, c in enumerate(children)),
            place=place,
        )
        _check_children(unit)
        _check_logger(body, place)
        return unit

    def _implementation(self, body: Document, name: str, place: str) -> str:
        given = body.get("implementation") or "UNKNOWN_IMPLEMENTATION"
        field = f"{place}.implementation"
        if not isinstance(given, str):
            raise wrong(field, given, "the name of an implementation")
        if given in REFUSED:
            raise invalid(f"{field} {given!r} is not supported: {REFUSED[given]}", field=field)
        if given in IMPLEMENTATIONS:
            why = wrong_protocol(given, self._protocol)
            if why:
                raise invalid(f"{field} {given!r} {why}", field=field)
            return given
        if given != "UNKNOWN_IMPLEMENTATION":
            raise wrong(field, given, f"one of {', '.join(sorted(IMPLEMENTATIONS))}")
        return self._of_container(name, place)

    def _of_container(self, name: str, place: str) -> str:
        """The implementation that a container's image stands for; other images cannot be run here."""
        if name not in self._containers:
            raise invalid(
                f"{place}.implementation is missing: name one of {', '.join(sorted(IMPLEMENTATIONS))}",
                field=f"{place}.implementation",
            )
        image, field = self._containers[name]
        known = IMAGES.get(image.rsplit("/", 1)[-1].split(":", 1)[0].split("@", 1)[0])
        if known is None:
            raise invalid(
                f"{field} {image[:200]!r}: this server runs no container images; name an implementation "
                f"({', '.join(sorted(IMPLEMENTATIONS))}) and a modelUri instead",
                field=field,
            )
        return known

    def _model_uri(self, body: Document, implementation: str, place: str) -> str | None:
        given = body.get("modelUri")
        if implementation not in SERVERS:
            return None
        if not isinstance(given, str) or not given:
            raise invalid(f"{place}.modelUri is missing: {implementation} serves a model", field=f"{place}.modelUri")
        return given


def _kind(body: Document, implementation: str, place: str) -> str:
    """The unit's type; what is not said follows from the implementation and the methods."""
    given = body.get("type")
    if given in (None, "", "UNKNOWN_TYPE"):
        given = IMPLEMENTATIONS[implementation].kind
    kind = one_of(f"{place}.type", given, TYPES)
    fixed = IMPLEMENTATIONS[implementation].fixed
    if fixed and kind != IMPLEMENTATIONS[implementation].kind:
        raise wrong(f"{place}.type", kind, f"{IMPLEMENTATIONS[implementation].kind} for {implementation}")
    methods = a_list(body.get("methods"), f"{place}.methods")
    for method in methods:
        one_of(f"{place}.methods", method, METHODS)
    extra = set(methods) - {"SEND_FEEDBACK", _METHOD_OF_TYPE.get(kind, "")}
    if kind == "MODEL" and extra == {"TRANSFORM_INPUT"}:  # what a model does by being asked
        extra = set()
    if extra:
        raise invalid(f"{place}.methods: a {kind} unit cannot {', '.join(sorted(extra))} as well", field=place)
    return kind


def _check_children(unit: Unit) -> None:
    if unit.kind in ("ROUTER", "COMBINER") and not unit.children:
        raise invalid(f"{unit.place}.children: a {unit.kind} needs units below it", field=f"{unit.place}.children")
    if unit.implementation == "RANDOM_ABTEST" and len(unit.children) != 2:
        raise invalid(
            f"{unit.place}.children: RANDOM_ABTEST chooses between two units, got {len(unit.children)}",
            field=f"{unit.place}.children",
        )
    wanted = unit.parameters.get("n_branches")
    if IMPLEMENTATIONS[unit.implementation or ""].bandit and wanted not in (None, str(len(unit.children))):
        raise invalid(f"{unit.place}.parameters: n_branches is {wanted}, but there are {len(unit.children)} children")


def _check_logger(body: Document, place: str) -> None:
    logger = body.get("logger")
    if logger is not None:
        mode = an_object(logger, f"{place}.logger").get("mode")
        one_of(f"{place}.logger.mode", mode, LOGGER_MODES)


def _parameters(body: Document, place: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for at, given in enumerate(a_list(body.get("parameters"), f"{place}.parameters")):
        parameter = an_object(given, f"{place}.parameters[{at}]")
        name, value = parameter.get("name"), parameter.get("value")
        if not isinstance(name, str) or not isinstance(value, (str, int, float)):
            raise invalid(f"{place}.parameters[{at}] needs a name and a value", field=f"{place}.parameters[{at}]")
        _check_type(parameter.get("type", "STRING"), value, f"{place}.parameters[{at}]")
        found[name] = str(value)
    return found


def _check_type(kind: Any, value: str | float, place: str) -> None:
    one_of(f"{place}.type", kind, ("INT", "FLOAT", "DOUBLE", "STRING", "BOOL"))
    readers = {"INT": int, "FLOAT": float, "DOUBLE": float}
    try:
        readers.get(kind, str)(str(value))
    except ValueError as error:
        raise wrong(f"{place}.value", value, f"a value of the type {kind}") from error


def _containers(predictor: Document, place: str) -> dict[str, tuple[str, str]]:
    """(image, where it stands) of the containers by their names."""
    found = {}
    for at, given in enumerate(a_list(predictor.get("componentSpecs"), f"{place}.componentSpecs")):
        pods = f"{place}.componentSpecs[{at}]"
        spec = an_object(an_object(given, pods).get("spec") or {}, f"{pods}.spec")
        for number, container in enumerate(a_list(spec.get("containers"), f"{pods}.spec.containers")):
            field = f"{pods}.spec.containers[{number}]"
            body = an_object(container, field)
            if isinstance(body.get("image"), str) and body["image"]:
                found[str(body.get("name"))] = (body["image"], f"{field}.image")
    return found
