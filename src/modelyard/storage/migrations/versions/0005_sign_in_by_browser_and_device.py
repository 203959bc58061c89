"""Sign-in by browser and device: sessions of browsers, codes, requests of devices, consents, revoked tokens."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_SIGN_IN = ["password", "refresh_token", "authorization_code"]
_DEVICE = "urn:ietf:params:oauth:grant-type:device_code"
_LOOPBACK = ["http://127.0.0.1/callback", "http://[::1]/callback"]
_CLIENTS = {
    "sdk-client": {"grants": [*_SIGN_IN, _DEVICE], "redirect_uris": _LOOPBACK, "post_logout_uris": ["/"]},
    "sd-api": {
        "grants": _SIGN_IN,
        "redirect_uris": ["/seldon-deploy/auth/callback"],
        "post_logout_uris": ["/"],
    },
    "api-client": {"grants": [*_SIGN_IN, _DEVICE, "client_credentials"]},
}


def upgrade() -> None:
    op.create_table(
        "device_guesses",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("guessed_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_device_guesses")),
        sqlite_autoincrement=True,
    )
    op.create_index(
        op.f("ix_device_guesses_address_guessed_at"), "device_guesses", ["address", "guessed_at"], unique=False
    )
    op.create_table(
        "revoked_tokens",
        sa.Column("id", sa.String(length=36), autoincrement=False, nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_revoked_tokens")),
    )
    op.create_table(
        "browser_sessions",
        sa.Column("id", sa.String(length=36), autoincrement=False, nullable=False),
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("user_id", sa.String(length=36), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("seen_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_browser_sessions_user_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_browser_sessions")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_browser_sessions_token_hash")),
    )
    op.create_index(op.f("ix_browser_sessions_user_id"), "browser_sessions", ["user_id"], unique=False)
    op.create_table(
        "consents",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("user_id", sa.String(length=36), nullable=False),
        sa.Column("client_id", sa.Text(), nullable=False),
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("given_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["client_id"], ["oauth_clients.id"], name=op.f("fk_consents_client_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_consents_user_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_consents")),
        sa.UniqueConstraint("user_id", "client_id", name=op.f("uq_consents_user_id_client_id")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_consents_client_id"), "consents", ["client_id"], unique=False)
    op.create_index(op.f("ix_consents_user_id"), "consents", ["user_id"], unique=False)
    op.create_table(
        "device_grants",
        sa.Column("id", sa.String(length=64), autoincrement=False, nullable=False),
        sa.Column("user_code", sa.String(length=16), nullable=False),
        sa.Column("client_id", sa.Text(), nullable=False),
        sa.Column("realm", sa.Text(), nullable=False),
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("interval", sa.Integer(), nullable=False),
        sa.Column("polled_at", sa.BigInteger(), nullable=True),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("user_id", sa.String(length=36), nullable=True),
        sa.Column("authenticated_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["client_id"], ["oauth_clients.id"], name=op.f("fk_device_grants_client_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_device_grants_user_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_device_grants")),
        sa.UniqueConstraint("user_code", name=op.f("uq_device_grants_user_code")),
    )
    op.create_index(op.f("ix_device_grants_client_id"), "device_grants", ["client_id"], unique=False)
    op.create_index(op.f("ix_device_grants_user_id"), "device_grants", ["user_id"], unique=False)
    op.create_table(
        "authorization_codes",
        sa.Column("id", sa.String(length=64), autoincrement=False, nullable=False),
        sa.Column("client_id", sa.Text(), nullable=False),
        sa.Column("realm", sa.Text(), nullable=False),
        sa.Column("redirect_uri", sa.Text(), nullable=False),
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("code_challenge", sa.Text(), nullable=True),
        sa.Column("nonce", sa.Text(), nullable=True),
        sa.Column("user_id", sa.String(length=36), nullable=False),
        sa.Column("browser_session_id", sa.String(length=36), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("used_at", sa.BigInteger(), nullable=True),
        sa.Column("session_id", sa.String(length=36), nullable=True),
        sa.ForeignKeyConstraint(
            ["browser_session_id"],
            ["browser_sessions.id"],
            name=op.f("fk_authorization_codes_browser_session_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["client_id"], ["oauth_clients.id"], name=op.f("fk_authorization_codes_client_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["session_id"], ["sessions.id"], name=op.f("fk_authorization_codes_session_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_authorization_codes_user_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_authorization_codes")),
    )
    op.create_index(
        op.f("ix_authorization_codes_browser_session_id"), "authorization_codes", ["browser_session_id"], unique=False
    )
    op.create_index(op.f("ix_authorization_codes_client_id"), "authorization_codes", ["client_id"], unique=False)
    op.create_index(op.f("ix_authorization_codes_session_id"), "authorization_codes", ["session_id"], unique=False)
    op.create_index(op.f("ix_authorization_codes_user_id"), "authorization_codes", ["user_id"], unique=False)
    op.add_column("oauth_clients", sa.Column("redirect_uris", sa.JSON(), nullable=False, server_default="[]"))
    op.add_column("oauth_clients", sa.Column("post_logout_uris", sa.JSON(), nullable=False, server_default="[]"))
    op.add_column("oauth_clients", sa.Column("consent", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("sessions", sa.Column("authenticated_at", sa.BigInteger(), nullable=False, server_default="0"))
    op.add_column("sessions", sa.Column("browser_session_id", sa.String(length=36), nullable=True))
    op.create_index(op.f("ix_sessions_browser_session_id"), "sessions", ["browser_session_id"], unique=False)
    op.execute("UPDATE sessions SET authenticated_at = created_at")
    _widen_clients()


def _widen_clients() -> None:
    """Clients that the first start made get what it gives them today."""
    columns = [
        sa.column("id"),
        *(sa.column(name, sa.JSON()) for name in ("grants", "redirect_uris", "post_logout_uris")),
    ]
    clients = sa.table("oauth_clients", *columns)
    for client_id, values in _CLIENTS.items():
        op.execute(clients.update().where(clients.c.id == client_id).values(values))
