"""What the methods return. Attributes are those of MLflow's entities of the same names."""

from dataclasses import dataclass
from typing import Any, Self


@dataclass(frozen=True, slots=True)
class ExperimentPermission:
    """What a user was given on an experiment."""

    experiment_id: str
    user_id: str
    permission: str

    @classmethod
    def from_json(cls, row: dict[str, Any]) -> Self:
        """Read it from an answer."""
        return cls(str(row["experiment_id"]), str(row["user_id"]), str(row["permission"]))


@dataclass(frozen=True, slots=True)
class RegisteredModelPermission:
    """What a user was given on a registered model."""

    name: str
    user_id: str
    permission: str

    @classmethod
    def from_json(cls, row: dict[str, Any]) -> Self:
        """Read it from an answer."""
        return cls(str(row["name"]), str(row["user_id"]), str(row["permission"]))


@dataclass(frozen=True, slots=True)
class User:
    """A user. ``password_hash`` is never told and always reads ``REDACTED``."""

    id: str
    username: str
    is_admin: bool
    experiment_permissions: tuple[ExperimentPermission, ...] = ()
    registered_model_permissions: tuple[RegisteredModelPermission, ...] = ()
    password_hash: str = "REDACTED"  # noqa: S105  # says that there is none

    @classmethod
    def from_json(cls, row: dict[str, Any]) -> Self:
        """Read it from an answer; newer servers leave the permissions out."""
        experiments = row.get("experiment_permissions", ())
        models = row.get("registered_model_permissions", ())
        return cls(
            str(row["id"]),
            str(row["username"]),
            bool(row["is_admin"]),
            tuple(ExperimentPermission.from_json(each) for each in experiments),
            tuple(RegisteredModelPermission.from_json(each) for each in models),
        )
