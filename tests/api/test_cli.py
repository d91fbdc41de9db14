"""`tria` as an operator runs it: a process of its own, on real parts."""

import os
import subprocess
import sys
from pathlib import Path
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

import httpx
import jwt
import psycopg
import pytest
from langgraph_sdk.client import LangGraphClient

from tests.api.conftest import Serve, staff_client
from tests.api.test_admin import UNCONNECTED, consent
from tests.api.test_approvals import an_order_that_waits, told
from tests.conftest import SECRET
from tools.embedded.noted import noted

NOBODY = "6e0f2b53-0b8a-4b7f-9c35-2a3d3c1f7a10"

SECRETS = ("DATABASE_URL", "REDIS_URL", "TRIA_SECRET", "XERO_CLIENT_SECRET", "XERO_REFRESH_TOKEN")
NOT_OURS = ("PATH", "HOME", "LANG")


def tria(
    environment: dict[str, str], *words: str, folder: Path | None = None, typed: str = ""
) -> "subprocess.CompletedProcess[str]":
    where = ["--data", str(folder)] if folder else []
    return subprocess.run(
        [sys.executable, "-m", "api.cli", *where, *words],
        env={k: v for k, v in os.environ.items() if k in NOT_OURS} | environment,
        input=typed,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_the_help_says_where_settings_come_from_and_what_there_is() -> None:
    ended = tria({}, "--help")
    assert ended.returncode == 0
    for word in ("service.env", "make run", "approvals", "approve", "decline", "xero", "sign-in"):
        assert word in ended.stdout
    assert tria({}, "xero", "--help").returncode == 0


@pytest.mark.parametrize(
    "words",
    [(), ("xero",), ("approve",), ("approve", "no-id"), ("decline", NOBODY), ("nonsense",)],
)
def test_a_command_that_is_not_understood_is_explained(words: tuple[str, ...]) -> None:
    ended = tria({}, *words)
    assert ended.returncode == 2
    assert "usage: tria" in ended.stderr


def test_without_settings_it_says_what_is_missing(tmp_path: Path) -> None:
    ended = tria({}, "approvals", folder=tmp_path)
    assert ended.returncode == 1
    assert "DATABASE_URL" in ended.stderr
    assert f"none runs on {tmp_path}" in ended.stderr


def test_without_postgres_it_says_so(environment: dict[str, str]) -> None:
    away = environment | {"DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none"}
    ended = tria(away, "approvals")
    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr == "Postgres does not answer: is Tria running?\n"


def test_it_finds_the_instance_that_runs_on_the_folder(
    environment: dict[str, str], tmp_path: Path
) -> None:
    with noted(tmp_path, environment | {"OPENAI_API_KEY": "not for this"}):
        [file] = tmp_path.iterdir()
        assert file.stat().st_mode & 0o777 == 0o600
        assert "not for this" not in file.read_text()
        assert tria({}, "approvals", folder=tmp_path).returncode == 0
        away = {"DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none"}
        assert tria(away, "approvals", folder=tmp_path).returncode == 1, "the environment wins"
    assert list(tmp_path.iterdir()) == []


# ---------------------------------------------------------------- Xero


def test_a_good_connection_passes_every_check(environment: dict[str, str]) -> None:
    ended = tria(environment, "xero", "check")
    assert (ended.returncode, ended.stderr) == (0, "")
    for name in ("token", "tenant", "scopes", "organisation", "sales tax", "items"):
        assert f"ok      {name}" in ended.stdout
    for secret in SECRETS:
        assert environment[secret] not in ended.stdout


@pytest.mark.parametrize(
    ("setting", "value", "to_do"),
    [
        ("XERO_SALES_ACCOUNT", "999", "Set XERO_SALES_ACCOUNT"),
        ("XERO_TENANT_ID", NOBODY, "Correct XERO_TENANT_ID"),
    ],
)
def test_a_failed_check_says_what_to_do(
    environment: dict[str, str], own_database: str, setting: str, value: str, to_do: str
) -> None:
    changed = environment | {"DATABASE_URL": own_database, setting: value}
    ended = tria(changed, "xero", "check")
    assert ended.returncode == 1
    assert "FAILED" in ended.stdout
    assert to_do in ended.stdout
    assert "checks failed" in ended.stderr
    for secret in SECRETS:
        assert changed[secret] not in ended.stdout + ended.stderr


def test_webhooks_without_a_key_are_pointed_out(environment: dict[str, str]) -> None:
    ended = tria(environment | {"XERO_WEBHOOK_KEY": ""}, "xero", "check")
    assert ended.returncode == 0
    assert "Set XERO_WEBHOOK_KEY" in ended.stdout


class Terminal:
    """`tria xero connect` while it runs."""

    def __init__(self, environment: dict[str, str]) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-u", "-m", "api.cli", "xero", "connect", "--as", "Mei"],
            env={k: v for k, v in os.environ.items() if k in NOT_OURS} | environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def authorize_url(self) -> str:
        assert self.process.stdout
        for line in self.process.stdout:
            if line.startswith("http"):
                return line.strip()
        raise AssertionError("there was no address")

    def end(self, *lines: str) -> tuple[int, str, str]:
        said, complained = self.process.communicate("\n".join([*lines, ""]), timeout=60)
        return self.process.returncode, said, complained


@pytest.fixture
def unconnected(environment: dict[str, str], own_database: str) -> dict[str, str]:
    return environment | UNCONNECTED | {"DATABASE_URL": own_database}


def test_connecting_at_a_terminal(unconnected: dict[str, str], own_database: str) -> None:
    terminal = Terminal(unconnected)
    back = httpx.get(terminal.authorize_url()).headers["Location"]
    code, said, _ = terminal.end(back, "1")
    assert code == 0
    assert "Tria Demo" in said
    assert tria(unconnected, "xero", "check").returncode == 0
    with psycopg.connect(own_database) as connection:
        [row] = connection.execute("select connected_by, name from xero_tokens").fetchall()
    assert row == ("cli:Mei", "Tria Demo")


def test_connecting_at_a_terminal_while_the_service_takes_the_browser_back(
    unconnected: dict[str, str], serve: Serve
) -> None:
    url = serve(**UNCONNECTED)
    terminal = Terminal(unconnected)
    page = consent(terminal.authorize_url(), url)
    assert "Go back to it and choose there" in page.text
    assert terminal.end(str(page.url), "1")[0] == 0
    with staff_client(url) as client:
        assert client.get("/admin/xero").json()["is_connected"]


@pytest.mark.parametrize(
    ("typed", "problem"),
    [
        (("https://tria.example/?error=access_denied",), "Begin again"),
        (("https://tria.example/?state=unknown&code=x",), "begin again"),
        ((), "Nothing was done"),
    ],
    ids=["not agreed", "another state", "nothing typed"],
)
def test_connecting_in_vain_says_why(
    unconnected: dict[str, str], typed: tuple[str, ...], problem: str
) -> None:
    ended = tria(unconnected, "xero", "connect", typed="".join(f"{t}\n" for t in typed))
    assert ended.returncode == 1
    assert problem in ended.stderr
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize("number", ["0", "2", "one"])
def test_only_a_number_of_the_list_is_a_choice(unconnected: dict[str, str], number: str) -> None:
    terminal = Terminal(unconnected)
    address = terminal.authorize_url()
    assert parse_qs(urlsplit(address).query)["state"]
    code, _, problem = terminal.end(httpx.get(address).headers["Location"], number)
    assert code == 1
    assert "Nothing was connected" in problem


# ---------------------------------------------------------------- approvals


async def test_a_card_approved_at_a_terminal_is_carried_out_by_the_service(
    sdk: LangGraphClient, environment: dict[str, str]
) -> None:
    thread, card = await an_order_that_waits(sdk)
    listed = tria(environment, "approvals")
    assert listed.returncode == 0
    assert card["action_id"] in listed.stdout
    assert f"{card['title']}, SGD {card['total']}" in listed.stdout

    approved = tria(environment, "approve", card["action_id"], "--as", "Mei")
    assert (approved.returncode, approved.stdout) == (0, f"Approved: {card['title']}\n")
    assert "TRIA-" in (await told(sdk, thread, 5))[-1]["content"]
    again = tria(environment, "decline", card["action_id"], "--reason", "too late")
    assert again.returncode == 1
    assert "it is committed" in again.stderr


async def test_a_card_declined_at_a_terminal(
    sdk: LangGraphClient, environment: dict[str, str]
) -> None:
    thread, card = await an_order_that_waits(sdk)
    declined = tria(environment, "decline", card["action_id"], "--reason", "no stock")
    assert (declined.returncode, declined.stdout) == (0, f"Declined: {card['title']}\n")
    await told(sdk, thread, 5)
    assert card["action_id"] not in tria(environment, "approvals").stdout


def test_a_card_that_nobody_knows(environment: dict[str, str]) -> None:
    ended = tria(environment, "approve", str(uuid4()))
    assert ended.returncode == 1
    assert "tria approvals" in ended.stderr


def test_a_token_for_a_colleague_opens_the_console(
    environment: dict[str, str], service_url: str
) -> None:
    ended = tria(environment, "sign-in", "Mei", "--level", "3")
    token = ended.stdout.strip()
    headers = {"Authorization": f"Bearer {token}"}
    assert httpx.get(f"{service_url}/admin/approvals", headers=headers).status_code == 200
    assert httpx.post(f"{service_url}/admin/xero/connect", headers=headers).status_code == 403
    claims = jwt.decode(token, SECRET, algorithms=["HS256"], audience="tria-console")
    assert claims["staff"] == {"name": "Mei", "level": 3, "is_admin": False}
