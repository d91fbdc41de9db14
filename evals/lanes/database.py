"""The database of a lane: it can be emptied, and its clock moved."""

from datetime import timedelta
from importlib import resources
from urllib.parse import urlsplit, urlunsplit

import psycopg
from psycopg import sql

# What a fresh installation has and a conversation does not change.
KEPT = (
    *("migrations", "checkpoint_migrations", "store_migrations", "lane_clock"),
    *("outlets", "xero_tokens", "signing_keys"),
)


def create_database(server_url: str, name: str) -> None:
    """An empty database whose clock can be moved."""
    _create(server_url, sql.SQL("create database {}").format(sql.Identifier(name)), name)
    with psycopg.connect(url_of(server_url, name), autocommit=True) as connection:
        connection.execute(
            resources.files("evals.lanes").joinpath("clock.sql").read_text().encode()
        )


def copy_database(server_url: str, source: str, name: str) -> None:
    """A copy of a database that nobody is connected to."""
    names = (sql.Identifier(name), sql.Identifier(source))
    _create(server_url, sql.SQL("create database {} template {}").format(*names), name)


def _create(server_url: str, statement: sql.Composed, name: str) -> None:
    path = sql.SQL("alter database {} set search_path = public, pg_catalog")
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(statement)
        # So that `now()` is found in public before it is found in pg_catalog.
        connection.execute(path.format(sql.Identifier(name)))


def ahead_in(url: str) -> timedelta:
    """How far the clock of a lane's database is ahead of real time."""
    with psycopg.connect(url) as connection:
        row = connection.execute("select ahead from lane_clock").fetchone()
    found: timedelta = row[0] if row else timedelta()
    return found


class LaneDatabase:
    """One connection of the runner's own, beside those of the service."""

    def __init__(self, url: str) -> None:
        self._connection = psycopg.connect(url, autocommit=True)
        # Rows go in any order then.
        self._connection.execute("set session_replication_role = replica")

    def close(self) -> None:
        """End the connection."""
        self._connection.close()

    def empty(self) -> None:
        """No conversation, and numbers begin with the first one."""
        with self._connection.transaction():
            for (table,) in self._connection.execute(
                "select tablename from pg_tables where schemaname = 'public'"
                " and tablename <> all(%s)",
                [list(KEPT)],
            ).fetchall():
                self._connection.execute(sql.SQL("delete from {}").format(sql.Identifier(table)))
            self._connection.execute(
                "select setval(format('%I.%I', schemaname, sequencename)::regclass, start_value,"
                " false) from pg_sequences where schemaname = 'public'"
            )

    def move_clock(self, ahead: timedelta) -> None:
        """Set `now()` that much ahead of real time."""
        self._connection.execute("update lane_clock set ahead = %s", [ahead])


def url_of(server_url: str, name: str) -> str:
    """A database on that server."""
    return urlunsplit(urlsplit(server_url)._replace(path=f"/{name}"))
