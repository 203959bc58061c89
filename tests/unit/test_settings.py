"""Where settings come from, which source wins, and what a wrong one is told."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from modelyard.issuer_settings import IssuerSettings
from modelyard.setting_rules import RULES
from modelyard.settings import KEYS, Settings, SettingsError, load_settings


def file_with(folder: Path, text: str) -> Path:
    path = folder / "modelyard.toml"
    path.write_text(text)
    return path


def complaint(flags: dict[str, object], environ: dict[str, str] | None = None, config: Path | None = None) -> str:
    with pytest.raises(SettingsError) as caught:
        load_settings(flags, environ or {}, config)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_every_setting_has_a_rule_that_accepts_its_default() -> None:
    defaults = Settings()

    assert set(RULES) == set(KEYS)
    for key in KEYS:
        value = getattr(defaults, key)
        assert value is None or RULES[key].parse(value) == value


def test_a_flag_beats_a_variable_beats_the_file_beats_the_default(tmp_path: Path) -> None:
    path = file_with(tmp_path, "port = 1\nworkers = 1\nhost = '0.0.0.1'")

    settings = load_settings({"port": 3, "data": None}, {"MODELYARD_PORT": "2", "MODELYARD_WORKERS": "2"}, path)

    assert (settings.port, settings.workers, settings.host, settings.drain_seconds) == (3, 2, "0.0.0.1", 30)


def test_the_file_in_the_data_folder_is_found_by_itself(tmp_path: Path) -> None:
    file_with(tmp_path, "realms = ['one', 'two']\nmax_body_bytes = '2 MiB'")

    settings = load_settings({}, {"MODELYARD_DATA": str(tmp_path)})

    assert settings.realms == ("one", "two")
    assert settings.max_body_bytes == 2 * 2**20


def test_the_file_named_by_the_environment_replaces_that_of_the_data_folder(tmp_path: Path) -> None:
    file_with(tmp_path, "port = 1")
    other = tmp_path / "other.toml"
    other.write_text("workers = 7")

    settings = load_settings({"data": tmp_path}, {"MODELYARD_CONFIG": str(other)})

    assert (settings.port, settings.workers) == (8080, 7)


def test_secrets_may_come_from_files(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("correct horse\n")

    settings = load_settings({"data": tmp_path}, {"MODELYARD_ADMIN_PASSWORD_FILE": str(secret)})

    assert settings.admin_password == "correct horse"
    assert "correct horse" not in repr(settings)


def test_variables_of_the_client_are_not_errors(tmp_path: Path) -> None:
    environ = {f"MODELYARD_{name}": "x" for name in ("URL", "TOKEN", "USERNAME", "PASSWORD", "WORKSPACE", "DEBUG")}

    assert load_settings({"data": tmp_path}, environ) == Settings(data=tmp_path)


def test_settings_survive_the_way_to_a_child_process() -> None:
    issuer = IssuerSettings(url="https://x.io/", audiences=("a", "b"), admin_groups=("c",), create_users=False)
    settings = Settings(
        data=Path("/somewhere"),
        realms=("a",),
        admin_password="correct horse",
        port=1,
        trusted_proxies=("10.0.0.0/8",),
        external_issuers=(issuer,),
    )

    assert Settings.from_json(settings.to_json()) == settings


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("port", "eighty"), ("port", 70_000), ("port", True), ("workers", 0), ("workers", 1.5), ("host", "a b"),
        ("realms", ""), ("realms", "one,one"), ("realms", ["a/b"]), ("admin_email", "admin"), ("public_url", "ftp://x"),
        ("max_body_bytes", "many"), ("max_upload_bytes", 12), ("drain_seconds", -1), ("log_format", "xml"),
        ("log_level", "loud"), ("database", "mysql://x"), ("data", ""), ("admin_password", "short"),
        ("trusted_proxies", "10.0.0.1/8"), ("trusted_proxies", "proxy.example.com"), ("trusted_proxies", [1]),
        ("package_index", "packages"), ("package_index", "file:///srv/index"), ("package_extra_indexes", "https://a.io,b"),
        ("package_folders", "wheels"), ("package_offline", "maybe"), ("package_sources", 1),
    ],
)  # fmt: skip
def test_a_wrong_value_is_told_what_is_expected(key: str, value: object) -> None:
    message = complaint({key: value})

    assert message.startswith(f"{key}: ")
    assert f"(from --{key.replace('_', '-')}) is not {RULES[key].expected}" in message


def test_issuers_are_tables_of_the_file(tmp_path: Path) -> None:
    path = file_with(
        tmp_path,
        """
        [[external_issuers]]
        url = "https://login.example.com/tenant/.well-known/openid-configuration"
        audiences = ["modelyard"]
        admin_groups = ["admins"]
        [[external_issuers]]
        url = "http://127.0.0.1:9000/"
        audiences = ["a", "b"]
        create_users = false
        """,
    )

    first, second = load_settings({}, {}, path).external_issuers

    assert first == IssuerSettings(
        url="https://login.example.com/tenant", audiences=("modelyard",), admin_groups=("admins",)
    )
    assert first.discovery_url == "https://login.example.com/tenant/.well-known/openid-configuration"
    assert (second.url, second.audiences, second.create_users) == ("http://127.0.0.1:9000/", ("a", "b"), False)
    assert second.discovery_url == "http://127.0.0.1:9000/.well-known/openid-configuration"


@pytest.mark.parametrize("wrap", [lambda table: table, lambda table: [table]])
def test_an_issuer_may_come_from_the_environment_as_json(tmp_path: Path, wrap: Callable[[object], object]) -> None:
    text = json.dumps(wrap({"url": "http://sso.lan", "audiences": ["a"], "allow_http": True}))

    (issuer,) = load_settings({"data": tmp_path}, {"MODELYARD_EXTERNAL_ISSUERS": text}).external_issuers

    assert issuer == IssuerSettings(url="http://sso.lan", audiences=("a",), allow_http=True)


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"url": "login.example.com"}, "[0].url: 'login.example.com'"),
        ({"url": "https://u:p@x.io"}, "the address of an issuer"),
        ({"url": "https://x.io?a=b"}, "the address of an issuer"),
        ({"url": "https://x.io:99999"}, "the address of an issuer"),
        ({"url": "http://sso.lan"}, "[0].url: 'http://sso.lan' (from environment variable MODELYARD_EXTERNAL_ISSUERS)"),
        ({"url": None}, "[0].url: None"),
        ({"audiences": []}, "[0].audiences: [] "),
        ({"audiences": "a"}, "a list of at least one audience"),
        ({"audiences": [""]}, "a list of at least one audience"),
        ({"admin_groups": "admins"}, "a list of names of groups"),
        ({"create_users": "yes"}, "[0].create_users: 'yes'"),
        ({"username_claim": ""}, "the name of a claim"),
        ({"audience": "a"}, "[0]: 'audience'"),
        ({"audiences": ["x" * 250] * 100}, "characters for all issuers together"),
    ],
)
def test_a_wrong_part_of_an_issuer_is_named(changed: dict[str, object], told: str) -> None:
    table = {"url": "https://x.io", "audiences": ["a"]} | changed

    message = complaint({}, {"MODELYARD_EXTERNAL_ISSUERS": json.dumps([table])})

    assert message.startswith("external_issuers")
    assert told in message


@pytest.mark.parametrize("text", ["https://x.io", "5", '["https://x.io"]', "{}", '[{"url": "https://x.io"}]'])
def test_what_is_no_issuer_is_refused(text: str) -> None:
    assert complaint({}, {"MODELYARD_EXTERNAL_ISSUERS": text}).startswith("external_issuers")


def test_the_same_issuer_twice_is_refused() -> None:
    twice = json.dumps([{"url": "https://x.io", "audiences": ["a"]}] * 2)

    assert "[1].url" in complaint({}, {"MODELYARD_EXTERNAL_ISSUERS": twice})


def test_a_complaint_about_a_secret_does_not_show_it() -> None:
    assert "short" not in complaint({}, {"MODELYARD_ADMIN_PASSWORD": "short"})
    assert "hunter2" not in complaint({}, {"MODELYARD_DATABASE": "mysql://root:hunter2@db"})


def test_unknown_names_are_refused_with_a_guess(tmp_path: Path) -> None:
    assert complaint({}, {"MODELYARD_WORKRS": "2"}).endswith("perhaps MODELYARD_WORKERS is meant")
    assert "unknown key 'prot'" in complaint({}, {}, file_with(tmp_path, "prot = 1"))
    assert complaint({}, {}, file_with(tmp_path, "prot = 1")).endswith("perhaps port is meant")


def test_files_that_cannot_be_used_say_why(tmp_path: Path) -> None:
    assert "does not exist" in complaint({}, {}, tmp_path / "none.toml")
    assert "is not TOML" in complaint({}, {}, file_with(tmp_path, "port"))
    assert "found through it" in complaint({"data": tmp_path}, {}, (file_with(tmp_path, "data = 'x'"), None)[1])
    assert "cannot read" in complaint({}, {"MODELYARD_DATABASE_FILE": str(tmp_path / "none")})


def test_a_secret_given_twice_is_refused() -> None:
    both = {"MODELYARD_ADMIN_PASSWORD": "correct horse", "MODELYARD_ADMIN_PASSWORD_FILE": "/dev/null"}

    assert "keep one of them" in complaint({}, both)


def test_the_reference_lists_every_setting_with_its_default() -> None:
    page = (Path(__file__).parents[2] / "docs" / "reference" / "configuration.md").read_text()
    rows = dict(re.findall(r"^\| `(\w+)` \| (.+?) \|", page, re.MULTILINE))

    assert set(rows) == set(KEYS)
    for key, shown in rows.items():
        default = getattr(Settings(), key)
        assert default in (None, ()) or RULES[key].parse(shown.strip("`")) == default
