"""A relying party made of Authlib. Talks to the test in lines of JSON: what it was given comes first, then for each
address that a browser must visit, where the browser was sent back to."""

import json
import sys
import time
from urllib.parse import urlencode

from authlib.common.security import generate_token
from authlib.integrations.base_client import OAuthError
from authlib.integrations.requests_client import OAuth2Session
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.jwk import KeySet


def heard():
    return json.loads(sys.stdin.readline())


def say(what):
    print(json.dumps(what), flush=True)


def main():
    given = heard()
    session = OAuth2Session(
        given["client_id"],
        given["secret"],
        scope="openid profile email",
        redirect_uri=given["redirect_uri"],
        token_endpoint_auth_method={"basic": "client_secret_basic", "post": "client_secret_post"}[given["method"]],
        code_challenge_method="S256",
    )
    session.trust_env = False
    server = session.get(f"{given['issuer']}/.well-known/openid-configuration", withhold_token=True).json()
    say({"done": run(given, session, server)})


def run(given, session, server):
    verifier, nonce = generate_token(64), generate_token()
    address, state = session.create_authorization_url(
        server["authorization_endpoint"], code_verifier=verifier, nonce=nonce
    )
    say({"visit": address})
    back = heard()["back"]
    token = session.fetch_token(
        server["token_endpoint"], authorization_response=back, code_verifier=verifier, state=state
    )
    keys = KeySet.import_key_set(session.get(server["jwks_uri"], withhold_token=True).json())
    claims = checked(token["id_token"], keys, server["issuer"], given["client_id"], nonce)
    user = session.get(server["userinfo_endpoint"]).json()
    renewed = session.refresh_token(server["token_endpoint"])
    before = session.introspect_token(server["introspection_endpoint"], token=renewed["access_token"]).json()
    session.revoke_token(server["revocation_endpoint"], token=renewed["access_token"])
    after = session.introspect_token(server["introspection_endpoint"], token=renewed["access_token"]).json()
    session.revoke_token(server["revocation_endpoint"], token=renewed["refresh_token"])
    refused = error_of(lambda: session.refresh_token(server["token_endpoint"], renewed["refresh_token"]))
    out = {"id_token_hint": token["id_token"], "post_logout_redirect_uri": given["signed_out"], "state": "bye"}
    say({"visit": f"{server['end_session_endpoint']}?{urlencode(out)}"})
    signed_out = heard()["back"]
    return {
        "user": user,
        "claims": claims,
        "before": before,
        "after": after,
        "refused": refused,
        "signedOut": signed_out,
    }


def checked(token, keys, issuer, client_id, nonce):
    """The claims of an ID token that Authlib accepts."""
    decoded = jwt.decode(token, keys, algorithms=["RS256"])
    options = {"iss": {"essential": True, "value": issuer}, "aud": {"essential": True, "value": client_id}}
    params = {"nonce": nonce, "client_id": client_id}
    claims = CodeIDToken(decoded.claims, decoded.header, options=options, params=params)
    claims.validate(now=int(time.time()), leeway=5)
    return dict(claims)


def error_of(call):
    try:
        call()
    except OAuthError as error:
        return error.error
    return None


if __name__ == "__main__":
    main()
