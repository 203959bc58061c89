"""The example of the API's reference: sign in with a name and a password, list the deployments of a namespace.

Arguments: the server's address, a name, a password, a namespace.
"""

import sys

from seldon_deploy_sdk import ApiClient, Configuration, SeldonDeploymentsApi
from seldon_deploy_sdk.auth import OIDCAuthenticator

host, sd_user, sd_password, namespace = sys.argv[1:]

config = Configuration()
config.host = f"{host}/seldon-deploy/api/v1alpha1"
config.oidc_client_id = "sd-api"
config.oidc_server = f"{host}/auth/realms/deploy-realm"

auth = OIDCAuthenticator(config)
access_token = auth.authenticate(sd_user, sd_password)
config.access_token = access_token

api_client = ApiClient(config)
sdeps = SeldonDeploymentsApi(api_client).list_seldon_deployments(namespace)
print([sdep.metadata.name for sdep in sdeps.items])
