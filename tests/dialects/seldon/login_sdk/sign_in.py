"""Signing in by all the ways the SDK has, and asking who one is."""

import json

from seldon_deploy_sdk import ApiClient, Configuration, EnvironmentApi, HealthcheckServiceApi
from seldon_deploy_sdk.auth import OIDCAuthenticator, SessionAuthenticator
from seldon_deploy_sdk.rest import ApiException


def configuration(given, **more):
    """What a user configures."""
    config = Configuration()
    config.host = f"{given['url']}/seldon-deploy/api/v1alpha1"
    config.oidc_server = f"{given['url']}/auth/realms/{given.get('realm', 'deploy-realm')}"
    config.oidc_client_id = given.get("client_id", "sd-api")
    config.username, config.password = given.get("username"), given.get("password")
    for name, value in {**given.get("config", {}), **more}.items():
        setattr(config, name, value)
    return config


def who(config, **client):
    """The user that the server takes the client for."""
    user = EnvironmentApi(ApiClient(config, **client)).read_user()
    return {"id": user.id, "name": user.name, "email": user.email, "groups": user.groups}


def by_openid(given):
    """Password, client credentials or authorization code, as the configuration says."""
    config = configuration(given)
    config.id_token = OIDCAuthenticator(config).authenticate()
    return {"token": config.id_token, "user": who(config)}


def by_openid_as_documented(given):
    """Name and password as arguments and the old name of the token's field, as in the vendor's documents."""
    config = configuration(given, username=None, password=None)
    token = OIDCAuthenticator(config).authenticate(given["username"], given["password"])
    config.access_token = token
    return {"token": token, "user": who(config)}


def again_after_401(given):
    """A token that does not count is replaced by a good one, and the call repeated."""
    config = configuration(given)
    config.id_token = given["bad_token"]
    return {"user": who(config, authenticator=OIDCAuthenticator(config)), "token": config.id_token}


def by_session(given):
    """The form and its cookie."""
    config = configuration(given)
    cookie = SessionAuthenticator(config).authenticate()
    return {"cookie": cookie, "user": who(config, cookie=cookie) if cookie else None}


def session_again_after_401(given):
    """A cookie that does not count any more; the SDK sends the new one as a bearer token beside the old cookie."""
    config = configuration(given)
    authenticator = SessionAuthenticator(config)
    return {"user": who(config, cookie=given["cookie"], authenticator=authenticator), "bearer": config.id_token}


def refused(given):
    """What a call without a good token raises."""
    config = configuration(given)
    config.id_token = given.get("bad_token", "")
    try:
        who(config)
    except ApiException as error:
        return {"status": error.status, "message": json.loads(error.body)["message"]}
    return None


def environment(given):
    """All calls of the environment and of the health check."""
    config = configuration(given)
    config.id_token = OIDCAuthenticator(config).authenticate()
    api, health = EnvironmentApi(ApiClient(config)), HealthcheckServiceApi(ApiClient(config))
    version, check = api.read_version(), api.read_health_check()
    found = {
        name: health.healthcheck_service_get_dependency_health(name).dependencies_health
        for name in ("ALL", "POSTGRES", "KAFKA")
    }
    return {
        "namespaces": [each.name for each in api.read_cluster().namespaces],
        "version": version.build_version,
        "check": [check.elastic, check.prometheus],
        "health": {name: {each.dependency: each.status for each in listed} for name, listed in found.items()},
        "fetched": str(found["POSTGRES"][0].fetched_at),
    }
