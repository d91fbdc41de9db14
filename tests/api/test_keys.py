"""`tria keys` as an operator runs it, and what its keys open."""

import argparse

import psycopg
import pytest

from api.cli_keys import add_keys
from tests.api.test_auth import search
from tests.api.test_cli import tria
from tests.conftest import customer

NO_KEY = "0123456789abcdef"


@pytest.fixture(autouse=True)
def no_keys(postgres_url: str) -> None:
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute("delete from api_keys")


def issued(environment: dict[str, str], *words: str) -> str:
    ended = tria(environment, "keys", "issue", *words, "--as", "Mei")
    assert ended.returncode == 0, ended.stderr
    [key] = ended.stdout.split()
    assert key not in ended.stderr
    assert "shown this once" in ended.stderr
    return key


def test_a_customers_key_is_issued_listed_and_revoked(
    environment: dict[str, str], service_url: str
) -> None:
    who = customer()
    contact = ["--contact", who.contact_ids[0], "--role", "owner"]
    key = issued(environment, "customer", who.customer_id, *contact, "--note", "the shop")
    key_id, _, secret = key.removeprefix("tria_").partition(".")
    assert search(service_url, **{"x-api-key": key}).status_code == 200

    listed = tria(environment, "keys", "list").stdout
    for word in (key_id, "customer", who.customer_id, "cli:Mei", "the shop", "usual scopes"):
        assert word in listed
    assert secret not in listed

    revoked = tria(environment, "keys", "revoke", key_id, "--as", "Shanti")
    assert (revoked.returncode, revoked.stdout) == (
        0,
        f"Revoked: {key_id} of customer {who.customer_id}\n",
    )
    assert search(service_url, **{"x-api-key": key}).status_code == 401
    assert tria(environment, "keys", "list").stdout == "There are no live keys.\n"
    assert "by cli:Shanti" in tria(environment, "keys", "list", "--all").stdout
    again = tria(environment, "keys", "revoke", key_id)
    assert again.returncode == 1
    assert "tria keys list" in again.stderr


def test_keys_of_staff_and_services_open_what_they_are_for(
    environment: dict[str, str], service_url: str
) -> None:
    staff = issued(environment, "staff", "shanti", "--level", "4", "--scope", "threads:read")
    service = issued(environment, "service", "gateway", "--scope", "threads:read")
    for key in (staff, service):
        assert search(service_url, Authorization=f"Bearer {key}").status_code == 200
    probe = issued(environment, "service", "probe", "--scope", "metrics")
    assert search(service_url, Authorization=f"Bearer {probe}").status_code == 403


def test_a_third_live_key_is_refused_until_one_is_revoked(environment: dict[str, str]) -> None:
    words = ("service", "gateway", "--scope", "metrics")
    for _ in range(2):
        issued(environment, *words)
    ended = tria(environment, "keys", "issue", *words)
    assert (ended.returncode, ended.stdout) == (1, "")
    assert "tria keys revoke ID" in ended.stderr


@pytest.mark.parametrize(
    "words",
    [
        ("issue",),
        ("issue", "owner", "x"),
        ("issue", "service", "x"),
        ("issue", "service", "x", "--scope", "admin"),
        ("issue", "staff", "x", "--level", "5"),
        ("issue", "customer", "x", "--days", "0"),
        ("issue", "customer", "x", "--days", "9999"),
    ],
    ids=" ".join,
)
def test_a_key_that_could_not_be_meant_is_explained(
    words: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    parser = argparse.ArgumentParser("tria keys")
    add_keys(parser)
    with pytest.raises(SystemExit) as ended:
        parser.parse_args(words)
    assert ended.value.code == 2
    assert "usage: tria keys" in capsys.readouterr().err


def test_a_key_whose_claims_would_open_nothing_is_not_issued(environment: dict[str, str]) -> None:
    ended = tria(environment, "keys", "issue", "customer", "x\x01")
    assert (ended.returncode, ended.stdout) == (1, "")
    assert "sub" in ended.stderr


def test_revoking_what_there_is_not_says_so(environment: dict[str, str]) -> None:
    ended = tria(environment, "keys", "revoke", NO_KEY)
    assert ended.returncode == 1
    assert NO_KEY in ended.stderr
