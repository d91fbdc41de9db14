"""`tria privacy`, `retention`, `audit` as an operator runs them."""

import zipfile
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from langgraph_sdk import get_client

from tests.api.console.test_privacy import a_caller, bearer, places_of
from tests.api.test_cli import tria
from tests.api.test_cli_operations import rows
from tests.api.test_conversations import a_thread, say


@pytest.fixture
async def wrote(service_url: str) -> tuple[str, str]:
    """A customer's id, and a mark in what they wrote."""
    customer_id, mark = f"cli-{uuid4().hex[:8]}", f"Mark{uuid4().hex[:12]}"
    headers = bearer(a_caller(customer_id, mark))
    async with get_client(url=service_url, api_key=None, headers=headers) as sdk:
        await say(sdk, await a_thread(sdk), f"what do I owe? says {mark}")
    return customer_id, mark


def test_a_customer_is_exported_and_erased_at_a_terminal(
    wrote: tuple[str, str], environment: dict[str, str], postgres_url: str, tmp_path: Path
) -> None:
    customer_id, mark = wrote
    file = tmp_path / "theirs.zip"
    saved = tria(environment, "privacy", "export", customer_id, "--to", str(file), "--as", "Mei")
    assert (saved.returncode, saved.stdout) == (0, f"Saved: {file}\n"), saved.stderr
    assert file.stat().st_mode & 0o777 == 0o600
    with zipfile.ZipFile(file) as archive:
        assert mark in archive.read("messages.json").decode()
    assert tria(environment, "privacy", "export", customer_id, "--to", str(file)).returncode == 1

    dry = tria(environment, "privacy", "erase", customer_id, "--dry-run")
    assert "Messages, theirs and ours" in dry.stdout
    other = tria(environment, "privacy", "erase", customer_id, typed="somebody\n")
    assert other.returncode == 1
    assert "to confirm" in other.stderr
    assert places_of(postgres_url, mark)
    done = tria(
        environment, "privacy", "erase", customer_id, "--as", "Mei", typed=f"{customer_id}\n"
    )
    assert done.returncode == 0, done.stderr
    assert "Erased: " in done.stdout
    assert places_of(postgres_url, mark) == set()
    trail = rows(tria(environment, "audit", customer_id, "--json").stdout)
    assert [row["event"] for row in trail[:2]] == ["customer.erased", "customer.exported"]
    assert {row["actor"] for row in trail[:2]} == {"cli:Mei"}


def test_whom_nobody_knows_is_not_erased(environment: dict[str, str]) -> None:
    for words in (("export", "nobody"), ("erase", "nobody", "--confirm", "nobody")):
        ended = tria(environment, "privacy", *words)
        assert ended.returncode == 1
        assert "Nothing is kept of a customer nobody" in ended.stderr


def test_what_is_due_is_counted_first_and_then_goes(
    environment: dict[str, str], own_database: str
) -> None:
    own = environment | {"DATABASE_URL": own_database}
    with psycopg.connect(own_database, autocommit=True) as connection:
        connection.execute(
            "insert into threads (thread_id, customer_id, updated_at)"
            " select gen_random_uuid(), 'somebody', now() - interval '3 years'"
            " from generate_series(1, 3)"
        )
        dry = tria(own, "retention", "--dry-run", "--json")
        due = {row["kind"]: row for row in rows(dry.stdout)}
        assert due["conversations"]["due"] == 3
        assert due["conversations"]["oldest"]
        gone = tria(own, "retention", "--json")
        assert {row["kind"]: row["gone"] for row in rows(gone.stdout)}["conversations"] == 3
        assert connection.execute("select count(*) from threads").fetchall() == [(0,)]


def test_whoever_changes_the_trail_is_noticed(
    environment: dict[str, str], own_database: str
) -> None:
    own = environment | {"DATABASE_URL": own_database}
    with psycopg.connect(own_database, autocommit=True) as connection:
        insert = "insert into audit (actor, event, subject) values ('Mei', 'run.resumed', %s)"
        for number in range(3):
            connection.execute(insert, [str(number)])
        whole = tria(own, "audit", "verify")
        assert (whole.returncode, whole.stderr) == (0, "")
        assert "Unchanged: 3 rows" in whole.stdout
        connection.execute("alter table audit disable trigger audit_only_grows")
        connection.execute("update audit set actor = 'Wei' where subject = '1'")
        changed = tria(own, "audit", "verify")
    assert changed.returncode == 1
    assert "rows were changed" in changed.stderr
