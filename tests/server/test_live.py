"""The real application in the real tree: first start, health, end."""

import json

import pytest

from running import StartServer


def test_it_is_healthy_when_it_is_ready(start_server: StartServer) -> None:
    server = start_server()

    assert server.get("/livez") == server.get("/readyz") == "ok\n"


@pytest.mark.alone
def test_a_fresh_folder_is_soon_ready(start_server: StartServer) -> None:
    """1 to 2 s where files come from memory; three times that has been seen where they come from a slow disk."""
    server = start_server(workers=2)
    assert server.url
    server.kill()
    assert float(server.out.rpartition(" in ")[2].removesuffix(" s\n")) < 20


def test_the_tree_is_small_when_idle(start_server: StartServer) -> None:
    server = start_server(workers=2)
    assert server.url

    proportional = sum(process.memory_full_info().pss for process in server.processes())

    assert proportional < 350 * 2**20


def test_what_the_first_start_makes_up_is_shown_once_and_kept_for_the_owner(start_server: StartServer) -> None:
    first = start_server(admin_password="", api_client_secret="")
    assert first.url
    path = first.data / "credentials.json"
    made_up = json.loads(path.read_text())

    assert path.stat().st_mode & 0o777 == 0o600
    assert all(secret in first.out for secret in made_up.values())
    assert first.stop() == 0

    second = start_server(data=first.data)
    assert second.url
    assert made_up["admin_password"] not in second.out
    assert json.loads(path.read_text()) == made_up


def test_a_second_server_on_the_same_database_is_refused(start_server: StartServer, fresh_postgres_url: str) -> None:
    first = start_server(database=fresh_postgres_url)
    assert first.url

    second = start_server(database=fresh_postgres_url)

    assert second.wait() == 1
    assert "another server with a data folder of its own uses this database" in second.err
    assert first.get("/readyz") == "ok\n"


def test_after_an_orderly_end_another_folder_may_take_the_database(
    start_server: StartServer, fresh_postgres_url: str
) -> None:
    first = start_server(database=fresh_postgres_url)
    assert first.url
    assert first.stop() == 0

    assert start_server(database=fresh_postgres_url).get("/readyz") == "ok\n"
