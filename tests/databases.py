"""Databases of their own for tests that share the sandbox's books with others."""

import asyncio
import itertools
from uuid import uuid4

import psycopg

from graph.migrate import prepare_database

FIRST_NUMBERS = itertools.count(100_000, 5_000)


def prepared(url: str) -> str:
    """Migrate it; its documents have numbers of their own."""
    asyncio.run(prepare_database({"DATABASE_URL": url, "TRIA_DEMO": "true"}))
    with_own_numbers(url)
    return url


def with_own_numbers(url: str) -> None:
    """Number its documents as no other database does: one would find the other's in the books."""
    with psycopg.connect(url, autocommit=True) as connection:
        restart = f"alter sequence document_numbers restart with {next(FIRST_NUMBERS)}"
        connection.execute(restart.encode())


def another(postgres_url: str) -> str:
    """A migrated database on this server that nobody else works on."""
    name = f"own_{uuid4().hex}"
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute(f"create database {name}".encode())
    return prepared(f"{postgres_url.rsplit('/', 1)[0]}/{name}")
