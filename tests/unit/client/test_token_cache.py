"""Tokens wait in private files, one for each server."""

import stat
from pathlib import Path

import pytest

from modelyard.client.token_cache import TokenCache, config_folder
from modelyard.client.tokens import Tokens

TOKENS = Tokens("access", 100.0, "refresh", float("inf"), "ada")
URL = "http://127.0.0.1:8080"


@pytest.fixture
def cache(tmp_path: Path) -> TokenCache:
    return TokenCache(tmp_path / "modelyard")


def test_what_was_saved_is_loaded(cache: TokenCache) -> None:
    cache.save(URL, TOKENS)
    assert cache.load(URL) == TOKENS


def test_files_are_readable_by_their_owner_alone(cache: TokenCache) -> None:
    cache.save(URL, TOKENS)
    (file,) = (cache.folder / "tokens").iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700


def test_servers_are_kept_apart(cache: TokenCache) -> None:
    cache.save(URL, TOKENS)
    assert cache.load("http://127.0.0.1:8081") is None
    assert cache.load("https://127.0.0.1:8080") is None


def test_forgetting_says_whether_there_was_something(cache: TokenCache) -> None:
    cache.save(URL, TOKENS)
    assert [cache.forget(URL), cache.forget(URL)] == [True, False]
    assert cache.load(URL) is None


@pytest.mark.parametrize("content", ["", "{", "[]", '{"url": "http://127.0.0.1:8080", "tokens": {"odd": 1}}'])
def test_a_damaged_file_counts_as_none(cache: TokenCache, content: str) -> None:
    cache.save(URL, TOKENS)
    (file,) = (cache.folder / "tokens").iterdir()
    file.write_text(content)
    assert cache.load(URL) is None


def test_the_current_server_is_remembered(cache: TokenCache) -> None:
    assert cache.current_url() is None
    cache.set_current_url(URL)
    assert cache.current_url() == URL


def test_saving_leaves_no_other_file_behind(cache: TokenCache) -> None:
    for _ in range(3):
        cache.save(URL, TOKENS)
    assert len(list((cache.folder / "tokens").iterdir())) == 1


def test_the_folder_follows_xdg(tmp_path: Path) -> None:
    assert config_folder({"XDG_CONFIG_HOME": str(tmp_path)}) == tmp_path / "modelyard"
    assert config_folder({}) == Path.home() / ".config" / "modelyard"
    assert config_folder({"XDG_CONFIG_HOME": "relative"}) == Path.home() / ".config" / "modelyard"
