"""The environment, users and policies, secrets, and metadata of models."""

from seldon_operations.row import DEPLOYMENT, SPACE, Row, of

_ENVIRONMENT = "EnvironmentApi"
_HEALTH = ("HealthcheckServiceApi", "healthcheck_service_get_dependency_health")
ENVIRONMENT = [
    Row(_ENVIRONMENT, "read_user", "UserInfo"),
    Row(_ENVIRONMENT, "read_cluster", "ClusterInfo"),
    Row(_ENVIRONMENT, "read_version", "VersionInfo"),
    Row(_ENVIRONMENT, "read_health_check", "HealthCheckInfo"),
    Row(*_HEALTH, "V1DependencyHealthResponse", {"dependency": "ALL"}),
    Row(*_HEALTH, "", {"dependency": "COFFEE"}, refused=400),
]

_IAM, _PREFIX = "PermissionManagementServiceApi", "permission_management_service"
_USER, _GROUP = "replayed", "replayers"
_PAIR = {"action": "read", "resource": "namespace/$space"}
_POLICY = of("V1Policy", user_grants=[of("V1UserPolicy", user=_USER, permission=of("V1ResourceActionPair", **_PAIR))])
_NEW_USER = of("V1CreateUserRequest", username=_USER, email="replayed@example.com", first_name="Re", last_name="Played")
_MEMBER = {"username": _USER, "group": _GROUP}
PEOPLE = [
    Row(_IAM, f"{_PREFIX}_create_user", "dict", {"body": _NEW_USER}),
    Row(_IAM, f"{_PREFIX}_get_users", "V1GetUsersResponse", {"username": _USER}),
    Row(_IAM, f"{_PREFIX}_create_group", "dict", {"body": of("V1CreateGroupRequest", name=_GROUP)}),
    Row(_IAM, f"{_PREFIX}_get_groups", "V1GetGroupsResponse"),
    Row(_IAM, f"{_PREFIX}_add_user_to_group", "dict", _MEMBER),
    Row(_IAM, f"{_PREFIX}_get_group_members", "V1GetGroupMembersResponse", {"group_name": _GROUP}),
    Row(_IAM, f"{_PREFIX}_get_user_groups", "V1GetUserGroupsResponse", {"username": _USER}),
    Row(_IAM, f"{_PREFIX}_create_policy", "dict", {"policy": _POLICY}),
    Row(_IAM, f"{_PREFIX}_get_permissions", "V1GetPermissionsResponse", {"users": [_USER]}),
    Row(_IAM, f"{_PREFIX}_get_policy_targets", "V1GetPolicyTargetsResponse", _PAIR),
    Row(_IAM, f"{_PREFIX}_delete_policy", "dict", {**_PAIR, "users": [_USER]}),
    Row(_IAM, f"{_PREFIX}_reset_user_password", "dict", {"username": _USER}),
    Row(_IAM, f"{_PREFIX}_delete_user_from_group", "dict", _MEMBER),
    Row(_IAM, f"{_PREFIX}_delete_group", "dict", {"name": _GROUP}),
    Row(_IAM, f"{_PREFIX}_delete_user", "dict", {"username": _USER}),
    Row(_IAM, f"{_PREFIX}_delete_user", "", {"username": _USER}, refused=404),
]

_SECRETS, _NAMED = "SecretsServiceApi", "secrets_service"
_KEYS = of("V1S3Credentials", s3_access_key_id="AKID", s3_secret_access_key="hidden")
_ACCOUNT = {"type": "service_account", "private_key": "hidden"}
_REMOTE = of("V1RcloneConfig", remote_type="s3", variables={"access_key_id": "AKID", "secret_access_key": "hidden"})
_FTP = of("V1RcloneConfig", remote_type="ftp", variables={"host": "ftp.example.com"})
_LAKE = {"namespace": SPACE, "secret_type": "bucket", "name": "lake-bucket-envvars"}
SECRETS = [
    Row(
        _SECRETS,
        f"{_NAMED}_create_s3_bucket_secret",
        "dict",
        {"namespace": SPACE, "remote": "lake", "s3_credentials": _KEYS},
    ),
    Row(
        _SECRETS,
        f"{_NAMED}_create_gcs_bucket_secret",
        "dict",
        {"namespace": SPACE, "remote": "cold", "account_credentials": _ACCOUNT},
    ),
    Row(
        _SECRETS,
        f"{_NAMED}_create_rclone_bucket_secret",
        "dict",
        {"namespace": SPACE, "remote": "near", "rclone_config": _REMOTE},
    ),
    Row(
        _SECRETS,
        f"{_NAMED}_create_rclone_bucket_secret",
        "",
        {"namespace": SPACE, "remote": "far", "rclone_config": _FTP},
        refused=400,
    ),
    Row(
        _SECRETS,
        f"{_NAMED}_create_registry_secret",
        "dict",
        {
            "namespace": SPACE,
            "name": "images",
            "credentials_config": {"auths": {"registry.example.com": {"auth": "x"}}},
        },
    ),
    Row(_SECRETS, f"{_NAMED}_list_secrets", "V1ListSecretsResponse", {"namespace": SPACE, "secret_type": "all"}),
    Row(_SECRETS, f"{_NAMED}_delete_secret", "dict", _LAKE),
    Row(_SECRETS, f"{_NAMED}_delete_secret", "", _LAKE, refused=404),
]

_META, _DOES = "ModelMetadataServiceApi", "model_metadata_service"
_TENSOR = of("V1FeatureSchema", name="tensor", type="TENSOR", data_type="FLOAT", shape=["29"])
_SCHEMA = of("V1PredictionSchema", requests=[_TENSOR], responses=[of("V1FeatureSchema", name="score", type="PROBA")])
_ENTRY = of("V1Model", uri="one", name="Fraud", artifact_type="ONNX", tags={"author": "ada"}, prediction_schema=_SCHEMA)
METADATA = [
    Row(_META, f"{_DOES}_create_model_metadata", "dict", {"model": _ENTRY}),
    Row(_META, f"{_DOES}_create_model_metadata", "", {"model": _ENTRY}, refused=409),
    Row(
        _META,
        f"{_DOES}_list_model_metadata",
        "V1ModelMetadataListResponse",
        {"uri": "one", "tags": {"author": "ada"}},
    ),
    Row(_META, f"{_DOES}_update_model_metadata", "dict", {"model": {**_ENTRY, "version": "v2"}}),
    Row(
        _META,
        f"{_DOES}_list_runtime_metadata_for_model",
        "V1RuntimeMetadataListResponse",
        {"model_uri": "one", "deployment_status": "Running", "deployment_name": DEPLOYMENT},
    ),
    Row(_META, f"{_DOES}_delete_model_metadata", "dict", {"uri": "one"}),
    Row(_META, f"{_DOES}_delete_model_metadata", "", {"uri": "one"}, refused=404),
]
