"""SecretsService: credentials for buckets and registries, by their names; what they say never comes back."""

import re
from collections.abc import Mapping
from typing import Any

import msgspec
from starlette.responses import Response

from modelyard.core.access.permissions import Permission
from modelyard.core.catalogue.entities import Secret
from modelyard.core.catalogue.secrets import (
    NewSecret,
    SecretFormat,
    SecretKind,
    SecretQuery,
    create_secret,
    delete_secret,
    list_secrets,
)
from modelyard.core.kernel.errors import invalid
from modelyard.dialects.seldon.dialect import BASE, json, seldon
from modelyard.dialects.seldon.paging import Page, page_of
from modelyard.web.call import Call

_BODY_BYTES = 256 * 1024
_VERSIONS = {
    "CORE_1": SecretFormat.ENV_VAR,
    "CORE_V1": SecretFormat.ENV_VAR,
    "CORE_2": SecretFormat.CONFIG_PARAM,
    "CORE_V2": SecretFormat.CONFIG_PARAM,
}
_RCLONE_VARIABLE = re.compile(r"RCLONE_CONFIG_[A-Z0-9_]+?_(?=[A-Z])", re.IGNORECASE)


class S3Body(msgspec.Struct):
    """``V1S3Credentials``; ``endpoint`` and ``region`` are ours."""

    s3AccessKeyId: str = ""  # noqa: N815  # names of the wire
    s3SecretAccessKey: str = ""  # noqa: N815
    endpoint: str = ""
    region: str = ""


class RcloneBody(msgspec.Struct):
    """``V1RcloneConfig``."""

    remoteType: str = ""  # noqa: N815
    variables: dict[str, str] = {}


@seldon.post(f"{BASE}/secrets/{{namespace}}/bucket/s3/{{remote}}", Permission.SECRET_EDIT, body=S3Body)
async def create_s3_secret(call: Call) -> Response:
    """Keep a key of an S3 store."""
    body = await _read(call, S3Body)
    if not body.s3AccessKeyId or not body.s3SecretAccessKey:
        missing = "s3SecretAccessKey" if body.s3AccessKeyId else "s3AccessKeyId"
        raise invalid(f"{missing} is missing", field=missing)
    values = {
        "access_key_id": body.s3AccessKeyId,
        "secret_access_key": body.s3SecretAccessKey,
        "endpoint": body.endpoint,
        "region": body.region,
    }
    return await _create(call, _bucket(call, "s3", values))


@seldon.post(f"{BASE}/secrets/{{namespace}}/bucket/gcs/{{remote}}", Permission.SECRET_EDIT)
async def create_gcs_secret(call: Call) -> Response:
    """Keep the credentials of a Google service account."""
    return await _create(call, _bucket(call, "gcs", {"service_account_credentials": await _object(call)}))


@seldon.post(f"{BASE}/secrets/{{namespace}}/bucket/rclone/{{remote}}", Permission.SECRET_EDIT, body=RcloneBody)
async def create_rclone_secret(call: Call) -> Response:
    """Keep the variables of an rclone remote, named as rclone does or as its environment variables."""
    body = await _read(call, RcloneBody)
    values = {_RCLONE_VARIABLE.sub("", name).lower(): value for name, value in body.variables.items()}
    kind = values.pop("type", body.remoteType)
    if body.remoteType and kind != body.remoteType:
        raise invalid(f"remoteType is {body.remoteType[:40]!r}, but variables say {kind[:40]!r}", field="remoteType")
    if not kind:
        raise invalid("remoteType is missing", field="remoteType")
    given = call.request.query_params.get("format") or SecretFormat.ENV_VAR
    new = NewSecret(
        SecretKind.BUCKET, call.request.path_params["remote"], kind, _said(values), _format(given, "format")
    )
    return await _create(call, new)


@seldon.post(f"{BASE}/secrets/{{namespace}}/registry/{{name}}", Permission.SECRET_EDIT)
async def create_registry_secret(call: Call) -> Response:
    """Keep the credentials of a registry of images; nothing here uses them, as no images are pulled."""
    values = {"dockerconfigjson": await _object(call)}
    return await _create(call, NewSecret(SecretKind.REGISTRY, call.request.path_params["name"], "registry", values))


@seldon.get(f"{BASE}/secrets/{{namespace}}/{{secretType}}", Permission.SECRET_READ)
async def read_secrets(call: Call) -> Response:
    """The names of secrets, page by page."""
    asked = call.request.query_params
    given = call.request.path_params["secretType"]
    kind = None if given == "all" else _kind(given, "all, ")
    wanted = _format(asked["bucketSecretFormat"], "bucketSecretFormat") if asked.get("bucketSecretFormat") else None
    page = page_of(asked)
    query = SecretQuery(kind, wanted, asked.get("search", ""), page.after, page.size + 1)
    found = await call.services.store.read(list_secrets, call.actor, call.request.path_params["namespace"], query)
    return json({"secrets": [_shown(secret) for secret in found[: page.size]], "nextPageToken": _next(page, found)})


@seldon.route("DELETE", f"{BASE}/secrets/{{namespace}}/{{secretType}}/{{name}}", Permission.SECRET_EDIT)
async def remove_secret(call: Call) -> Response:
    """Remove a secret."""
    path = call.request.path_params
    kind = _kind(path["secretType"])
    await call.services.store.write(delete_secret, call.actor, path["namespace"], kind, path["name"])
    return json({})


async def _create(call: Call, new: NewSecret) -> Response:
    services = call.services
    namespace = call.request.path_params["namespace"]
    _check_endpoint(call, new)
    made = await services.store.write(create_secret, call.actor, services.sealer, namespace, new)
    return json({"secretName": made.name})


def _check_endpoint(call: Call, new: NewSecret) -> None:
    """Told at once, though it is looked at again whenever the secret is used."""
    endpoint = new.values.get("endpoint", "").rstrip("/")
    if new.store == "s3" and endpoint and endpoint not in call.services.s3_endpoints:
        raise invalid(
            f"endpoint {endpoint[:200]!r} is not one that this server may ask; an administrator can name it in the "
            "setting s3_endpoints",
            field="endpoint",
        )


async def _read(call: Call, shape: type[Any]) -> Any:
    body = await call.body(_BODY_BYTES)
    try:
        return msgspec.json.decode(body or b"{}", type=shape)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        place = str(error).rpartition(" - at ")[2] if isinstance(error, msgspec.ValidationError) else "it is not JSON"
        raise invalid(f"the body is not of the expected form: {place[:100]}") from None


async def _object(call: Call) -> str:
    """The body, an object that is kept as it is."""
    found = await _read(call, dict[str, Any])
    if not found:
        raise invalid("the body must be an object with the credentials")
    return msgspec.json.encode(found).decode()


def _bucket(call: Call, store: str, values: Mapping[str, str]) -> NewSecret:
    given = call.request.query_params.get("secretVersion") or "CORE_1"
    if given not in _VERSIONS:
        raise invalid(f"secretVersion {given[:40]!r} is unknown; use CORE_1 or CORE_2", field="secretVersion")
    return NewSecret(SecretKind.BUCKET, call.request.path_params["remote"], store, _said(values), _VERSIONS[given])


def _said(values: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in values.items() if value}


def _kind(given: str, more: str = "") -> SecretKind:
    try:
        return SecretKind(given)
    except ValueError:
        raise invalid(
            f"secretType {given[:40]!r} is unknown; use {more}bucket or registry", field="secretType"
        ) from None


def _format(given: str, field: str) -> SecretFormat:
    try:
        return SecretFormat(given)
    except ValueError:
        raise invalid(f"{field} {given[:40]!r} is unknown; use env_var or config_param", field=field) from None


def _shown(secret: Secret) -> dict[str, str]:
    shown = {"secretName": secret.name, "secretType": secret.kind}
    if secret.kind == SecretKind.BUCKET:
        shown |= {"bucketSecretFormat": secret.format, "remoteName": secret.remote}
    return shown


def _next(page: Page, found: list[Secret]) -> str:
    return str(found[page.size - 1].id) if len(found) > page.size else ""
