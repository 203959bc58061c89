"""A new, empty PostgreSQL database for each test that asks for one."""

import itertools

import psycopg
import pytest

_numbers = itertools.count(1)


@pytest.fixture
def fresh_postgres_url(postgres_url: str) -> str:
    name = f"contract_{next(_numbers)}"
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        connection.execute(f"CREATE DATABASE {name}")
    base, _, query = postgres_url.partition("?")
    return f"{base.rsplit('/', 1)[0]}/{name}{'?' + query if query else ''}"
