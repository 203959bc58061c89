"""``AuthServiceClient``: the thirteen methods that MLflow's client of this name had up to its release 3.12."""

from typing import Any

from modelyard.client.mlflow_auth.entities import ExperimentPermission, RegisteredModelPermission, User
from modelyard.client.mlflow_auth.requesting import ask
from modelyard.client.transport import reading

_EXPERIMENT, _MODEL = "experiments/permissions", "registered-models/permissions"


class AuthServiceClient:
    """Keeps the users of a server, and what they may do with experiments and registered models.

    Who asks is told by the environment: MLFLOW_TRACKING_USERNAME with MLFLOW_TRACKING_PASSWORD, else
    MLFLOW_TRACKING_TOKEN (an access token or a personal access token).

    A permission is READ, USE, EDIT, MANAGE (each holds what the one before holds) or NO_PERMISSIONS, which takes away
    what groups, roles and defaults give. The methods about permissions are for who manages the thing and for
    administrators. Every method raises ``AuthServiceError``, whose ``error_code`` is RESOURCE_DOES_NOT_EXIST for a
    user or permission that is not there, RESOURCE_ALREADY_EXISTS for one that is, INVALID_PARAMETER_VALUE for a value
    that cannot be, PERMISSION_DENIED for what one may not do and UNAUTHENTICATED for a wrong name or password.
    """

    def __init__(self, tracking_uri: str) -> None:
        """``tracking_uri`` is the address of the server, like ``http://127.0.0.1:8080``."""
        self.tracking_uri = tracking_uri

    def create_user(self, username: str, password: str) -> User:
        """Add a user who is no administrator; for administrators.

        The name is kept in lower case and must be free; the password must be long enough and not easy to guess.

        >>> user = client.create_user("ada", "a long password")
        >>> user.username, user.is_admin, user.password_hash
        ('ada', False, 'REDACTED')
        """
        return self._user("POST", "users/create", username=username, password=password)

    def get_user(self, username: str) -> User:
        """A user with what was given to them; oneself, or for administrators anybody."""
        return self._user("GET", "users/get", username=username)

    def update_user_password(self, username: str, password: str) -> None:
        """Give a user another password; for administrators. What they do with the old one fails from then on."""
        self._ask("PATCH", "users/update-password", username=username, password=password)

    def update_user_admin(self, username: str, is_admin: bool) -> None:  # as MLflow's client takes it
        """Make a user an administrator, or no longer one; for administrators, and never of oneself."""
        self._ask("PATCH", "users/update-admin", username=username, is_admin=is_admin)

    def delete_user(self, username: str) -> None:
        """Remove a user with all that was given to them; for administrators, and never of oneself.

        A later user of the same name inherits nothing.
        """
        self._ask("DELETE", "users/delete", username=username)

    def create_experiment_permission(self, experiment_id: str, username: str, permission: str) -> ExperimentPermission:
        """Give a user a permission on an experiment, where they have none of their own; it need not exist yet.

        >>> given = client.create_experiment_permission("12", "ada", "READ")
        >>> given.experiment_id, given.permission
        ('12', 'READ')
        """
        asked = {"experiment_id": experiment_id, "username": username, "permission": permission}
        return self._experiment_permission("POST", "create", **asked)

    def get_experiment_permission(self, experiment_id: str, username: str) -> ExperimentPermission:
        """What a user was given on an experiment themselves. Without that, defaults and groups may let them in."""
        return self._experiment_permission("GET", "get", experiment_id=experiment_id, username=username)

    def update_experiment_permission(self, experiment_id: str, username: str, permission: str) -> None:
        """Put another permission in the place of the one that a user has on an experiment."""
        asked = {"experiment_id": experiment_id, "username": username, "permission": permission}
        self._ask("PATCH", f"{_EXPERIMENT}/update", **asked)

    def delete_experiment_permission(self, experiment_id: str, username: str) -> None:
        """Take away what a user was given on an experiment; defaults and groups may still let them in."""
        self._ask("DELETE", f"{_EXPERIMENT}/delete", experiment_id=experiment_id, username=username)

    def create_registered_model_permission(
        self, name: str, username: str, permission: str
    ) -> RegisteredModelPermission:
        """Give a user a permission on a registered model, where they have none of their own; it need not exist yet."""
        return self._model_permission("POST", "create", name=name, username=username, permission=permission)

    def get_registered_model_permission(self, name: str, username: str) -> RegisteredModelPermission:
        """What a user was given on a registered model themselves. Without that, defaults and groups may let them in."""
        return self._model_permission("GET", "get", name=name, username=username)

    def update_registered_model_permission(self, name: str, username: str, permission: str) -> None:
        """Put another permission in the place of the one that a user has on a registered model."""
        self._ask("PATCH", f"{_MODEL}/update", name=name, username=username, permission=permission)

    def delete_registered_model_permission(self, name: str, username: str) -> None:
        """Take away what a user was given on a registered model; defaults and groups may still let them in."""
        self._ask("DELETE", f"{_MODEL}/delete", name=name, username=username)

    def _ask(self, method: str, path: str, **values: str | bool) -> Any:
        return ask(self.tracking_uri, method, path, **values)

    def _user(self, method: str, path: str, **values: str) -> User:
        answer = self._ask(method, path, **values)
        with reading(path):
            return User.from_json(answer["user"])

    def _experiment_permission(self, method: str, verb: str, **values: str) -> ExperimentPermission:
        answer = self._ask(method, f"{_EXPERIMENT}/{verb}", **values)
        with reading(_EXPERIMENT):
            return ExperimentPermission.from_json(answer["experiment_permission"])

    def _model_permission(self, method: str, verb: str, **values: str) -> RegisteredModelPermission:
        answer = self._ask(method, f"{_MODEL}/{verb}", **values)
        with reading(_MODEL):
            return RegisteredModelPermission.from_json(answer["registered_model_permission"])
