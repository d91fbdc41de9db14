"""What staff see and decide, and how an admin connects Xero, over HTTP against real parts."""

import json
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qsl, urlsplit
from uuid import uuid4

import httpx
import jwt
import psycopg
import pytest
from langgraph_sdk import get_client
from langgraph_sdk.client import LangGraphClient
from psycopg.rows import DictRow, dict_row

from api.app import create_app
from api.principals import principal_of
from api.tokens import CUSTOMERS, Staff, issue_staff_token, issue_token, kind_of, signed
from graph.clients import now
from graph.settings import Settings
from graph.studio import demo_caller
from tests.api.conftest import Serve, colleague, staff_client, staff_headers
from tests.api.test_approvals import an_order_that_waits, told
from tests.api.test_conversations import a_thread, books, say
from tests.conftest import SECRET, customer, headers_of, token_of
from tools.xero.oauth import cipher

NOBODY = "6e0f2b53-0b8a-4b7f-9c35-2a3d3c1f7a10"
FOR_STAFF = [
    ("GET", "/admin/approvals"),
    ("POST", f"/admin/approvals/{NOBODY}"),
    ("GET", "/admin/actions"),
    ("GET", f"/admin/actions/{NOBODY}"),
    ("POST", f"/admin/actions/{NOBODY}/again"),
    ("GET", f"/admin/conversations/{NOBODY}/case"),
    ("GET", "/admin/xero"),
]
FOR_ADMINS = [
    ("POST", "/admin/xero/connect"),
    ("POST", "/admin/xero/tenant"),
    ("POST", "/admin/xero/events/retry"),
]
# As when the database goes away between two statements.
REFUSE_CLAIMS = """
create function refuse() returns trigger language plpgsql as
  $$ begin raise exception 'gone' using errcode = '57P01'; end $$;
create trigger refuse_claims before update on runs for each row
  when (new.status = 'running') execute function refuse();"""


@pytest.fixture
async def admin(service_url: str) -> AsyncIterator[httpx.AsyncClient]:
    headers = staff_headers(colleague(-1))
    async with httpx.AsyncClient(base_url=service_url, headers=headers, timeout=30) as client:
        yield client


@pytest.fixture
def table(postgres_url: str) -> Iterator["psycopg.Connection[DictRow]"]:
    with psycopg.connect(postgres_url, autocommit=True, row_factory=dict_row) as connection:
        yield connection


async def test_a_decision_that_is_stored_is_answered_though_its_run_cannot_go_on_yet(
    serve: Serve, own_database: str
) -> None:
    url = serve()
    async with get_client(url=url, api_key=None, headers=headers_of(customer())) as sdk:
        thread, card = await an_order_that_waits(sdk)
        with psycopg.connect(own_database, autocommit=True) as connection:
            connection.execute(REFUSE_CLAIMS)
            with staff_client(url) as client:
                path = f"/admin/approvals/{card['action_id']}"
                answer = client.post(path, json={"decision": "approve"})
            connection.execute("drop trigger refuse_claims on runs")
        assert answer.status_code == 200, answer.text
        assert answer.json()["status"] == "approved"
        assert "TRIA-" in (await told(sdk, thread, 5))[-1]["content"]


# ---------------------------------------------------------------- who may do what


@pytest.mark.parametrize(("method", "path"), FOR_STAFF + FOR_ADMINS)
def test_nobody_gets_in_without_a_token_of_staff(service_url: str, method: str, path: str) -> None:
    forged = issue_staff_token("another secret of the same length as ours", colleague(-1), now())
    ended = issue_staff_token(SECRET, colleague(-1), now() - timedelta(hours=13))
    for headers in (
        {},
        {"Authorization": f"Bearer {forged}"},
        {"Authorization": f"Bearer {ended}"},
    ):
        answer = httpx.request(method, service_url + path, headers=headers)
        assert (answer.status_code, answer.headers["WWW-Authenticate"]) == (401, "Bearer")
    answer = httpx.request(method, service_url + path, headers=headers_of(customer()))
    assert answer.status_code == 403
    assert "staff" in answer.json()["detail"]


@pytest.mark.parametrize(("method", "path"), FOR_ADMINS)
def test_only_an_admin_touches_the_connection(service_url: str, method: str, path: str) -> None:
    answer = httpx.request(method, service_url + path, headers=staff_headers(colleague(1)))
    assert answer.status_code == 403
    assert "admin" in answer.json()["detail"]


def test_a_token_of_staff_makes_nothing_that_customers_make(service_url: str) -> None:
    answer = httpx.post(f"{service_url}/threads", json={}, headers=staff_headers(colleague(-1)))
    assert answer.status_code == 403
    assert "customers" in answer.json()["detail"]


@pytest.mark.parametrize(
    "claim",
    [
        None,
        "director",
        {"name": "x", "level": 9, "is_admin": True},
        {"name": "x", "level": "4", "is_admin": False},
        {"name": "x", "level": 4, "is_admin": "yes"},
        {"level": 4, "is_admin": True},
    ],
)
def test_a_claim_that_is_not_as_it_should_be_opens_nothing(service_url: str, claim: Any) -> None:
    token = signed(SECRET, "tria-console", {"sub": "x", "staff": claim}, now())
    headers = {"Authorization": f"Bearer {token}"}
    assert httpx.get(f"{service_url}/admin/approvals", headers=headers).status_code == 401


def test_the_claim_of_staff_in_a_customers_token_is_worth_nothing(service_url: str) -> None:
    claims = jwt.decode(token_of(customer()), SECRET, algorithms=["HS256"], audience=CUSTOMERS)
    staff = {"name": "x", "level": 4, "is_admin": True}
    for audience, status in ((CUSTOMERS, 403), (["tria-console", CUSTOMERS], 401)):
        token = jwt.encode(claims | {"staff": staff, "aud": audience}, SECRET, "HS256")
        headers = {"Authorization": f"Bearer {token}"}
        assert httpx.get(f"{service_url}/admin/approvals", headers=headers).status_code == status


def test_a_customers_token_without_an_audience_is_still_a_customers() -> None:
    caller = demo_caller(customer())
    claims = jwt.decode(
        issue_token(SECRET, caller, now()), SECRET, algorithms=["HS256"], audience=CUSTOMERS
    )
    del claims["aud"]
    assert principal_of(kind_of(claims), claims).caller == caller


def test_the_demos_colleagues_sign_in(service_url: str) -> None:
    found = httpx.get(f"{service_url}/demo/staff").json()
    assert [(s["level"], s["who"], s["is_admin"]) for s in found] == [
        (2, "service staff", False),
        (3, "operations manager", False),
        (4, "director", True),
    ]
    body = {"staff_id": found[0]["staff_id"]}
    token = httpx.post(f"{service_url}/demo/staff-sign-in", json=body).json()["token"]
    headers = {"Authorization": f"Bearer {token}"}
    assert httpx.get(f"{service_url}/admin/approvals", headers=headers).status_code == 200
    unknown = httpx.post(f"{service_url}/demo/staff-sign-in", json={"staff_id": "nobody"})
    assert unknown.status_code == 404


def test_without_the_demo_nobody_can_choose_who_they_are(settings: Settings) -> None:
    app = create_app(settings.model_copy(update={"tria_demo": False}))
    assert not [path for path in app.openapi()["paths"] if path.startswith("/demo")]


# ---------------------------------------------------------------- approvals


async def waiting_card(admin: httpx.AsyncClient, action_id: str) -> dict[str, Any] | None:
    rows = (await admin.get("/admin/approvals")).json()
    return next((row for row in rows if row["action_id"] == action_id), None)


async def test_an_approved_card_is_written_and_told_at_once(
    sdk: LangGraphClient, admin: httpx.AsyncClient, sandbox: dict[str, str]
) -> None:
    thread, card = await an_order_that_waits(sdk)
    row = await waiting_card(admin, card["action_id"])
    assert row is not None
    assert row["company"] == customer().company
    outlet = next(o for o in customer().outlets if o["name"] == row["card"]["outlet"]["name"])
    found = (await admin.get(f"/admin/actions/{card['action_id']}")).text
    for hidden in (customer().name, outlet["address"], outlet["contact_person"]):
        assert hidden not in json.dumps(row, ensure_ascii=False)
        assert hidden not in found
    assert (row["level"], row["who"], row["may_decide"]) == (2, "service staff", True)
    assert row["thread_id"] == thread
    assert row["ticket"].startswith("T-")
    assert row["card"]["total"] == card["total"]

    decided = await admin.post(
        f"/admin/approvals/{card['action_id']}", json={"decision": "approve"}
    )
    assert decided.status_code == 200
    assert decided.json()["decided_by"] == colleague(-1).staff_id
    number = (await told(sdk, thread, 5))[-1]["additional_kwargs"]["card"]["document_number"]
    assert [i["Status"] for i in books(sandbox) if i["InvoiceNumber"] == number] == ["DRAFT"]
    assert await waiting_card(admin, card["action_id"]) is None

    again = await admin.post(f"/admin/approvals/{card['action_id']}", json={"decision": "approve"})
    assert again.status_code == 409
    assert "committed by" in again.json()["detail"]

    found = (await admin.get(f"/admin/actions/{card['action_id']}")).json()
    assert [(w["operation"], w["status"]) for w in found["writes"]] == [("create_invoice", "done")]
    assert "body" not in found["writes"][0]
    assert ("action.approved", colleague(-1).staff_id) in [
        (step["event"], step["actor"]) for step in found["trail"]
    ]


async def test_who_declines_says_why_and_nothing_is_written(
    sdk: LangGraphClient, admin: httpx.AsyncClient, sandbox: dict[str, str]
) -> None:
    thread, card = await an_order_that_waits(sdk)
    path, before = f"/admin/approvals/{card['action_id']}", len(books(sandbox))
    for reason in ({}, {"reason": "  "}):
        refused = await admin.post(path, json={"decision": "decline"} | reason)
        assert refused.status_code == 422
        assert "reason" in refused.json()["detail"]
    declined = await admin.post(path, json={"decision": "decline", "reason": "no stock"})
    assert (declined.json()["status"], declined.json()["error"]) == ("declined", "no stock")
    text = (await told(sdk, thread, 5))[-1]["content"]
    assert "no stock" not in text
    assert len(books(sandbox)) == before


async def test_a_level_below_the_needed_one_is_refused_and_told_which(
    sdk: LangGraphClient,
    admin: httpx.AsyncClient,
    service_url: str,
    table: "psycopg.Connection[DictRow]",
) -> None:
    _, card = await an_order_that_waits(sdk)
    table.execute("update actions set approval_level = 3 where action_id = %s", [card["action_id"]])
    body = {"decision": "decline", "reason": "a test"}
    with staff_client(service_url, 0) as service_staff:
        rows = service_staff.get("/admin/approvals").json()
        assert [r["may_decide"] for r in rows if r["action_id"] == card["action_id"]] == [False]
        refused = service_staff.post(f"/admin/approvals/{card['action_id']}", json=body)
    assert refused.status_code == 403
    assert "level 3 (operations manager)" in refused.json()["detail"]
    assert await waiting_card(admin, card["action_id"])
    with staff_client(service_url, 1) as manager:
        assert manager.post(f"/admin/approvals/{card['action_id']}", json=body).is_success


async def test_a_card_that_is_unknown_or_waits_for_nobody(
    sdk: LangGraphClient, admin: httpx.AsyncClient
) -> None:
    body = {"decision": "approve"}
    assert (await admin.post(f"/admin/approvals/{NOBODY}", json=body)).status_code == 404
    assert (await admin.get(f"/admin/actions/{NOBODY}")).status_code == 404
    card = (await say(sdk, await a_thread(sdk), "200 12 inch boxes for tampines pls"))["card"]
    answer = await admin.post(f"/admin/approvals/{card['action_id']}", json=body)
    assert answer.status_code == 409


async def test_cards_are_listed_by_status_and_trouble_is_shown(
    sdk: LangGraphClient, admin: httpx.AsyncClient, table: "psycopg.Connection[DictRow]"
) -> None:
    thread = await a_thread(sdk)
    card = (await say(sdk, thread, "200 12 inch boxes for tampines pls"))["card"]

    async def listed(status: str) -> dict[str, dict[str, Any]]:
        rows = (await admin.get("/admin/actions", params={"status": status, "limit": 200})).json()
        return {row["action_id"]: row for row in rows}

    assert card["action_id"] in await listed("proposed")
    assert card["action_id"] not in await listed("trouble")
    table.execute(
        "update actions set status = 'failed', error = 'write_refused: no', updated_at = now()"
        " where action_id = %s",
        [card["action_id"]],
    )
    row = (await listed("trouble"))[card["action_id"]]
    assert (row["status"], row["error"]) == ("failed", "write_refused: no")
    assert row["age_s"] >= 0
    answer = await admin.get("/admin/actions", params={"status": "nonsense"})
    assert answer.status_code == 422
    assert len((await admin.get("/admin/actions", params={"limit": 1})).json()) == 1


# ---------------------------------------------------------------- Xero

UNCONNECTED = {"XERO_TENANT_ID": "", "XERO_REFRESH_TOKEN": ""}


def consent(authorize_url: str, url: str) -> httpx.Response:
    """As the admin's browser: agree at Xero and follow it back."""
    agreed = httpx.get(authorize_url)
    assert agreed.status_code == 302
    query = dict(parse_qsl(urlsplit(agreed.headers["Location"]).query))
    return httpx.get(f"{url}/admin/xero/callback", params=query)


def begin(client: httpx.Client) -> tuple[str, str]:
    """Where to go, and the state that stands in it."""
    url = client.post("/admin/xero/connect").json()["authorize_url"]
    return url, dict(parse_qsl(urlsplit(url).query))["state"]


def answer_to(url: str, text: str) -> str:
    with httpx.Client(base_url=url, headers=headers_of(customer()), timeout=60) as client:
        thread = client.post("/threads", json={}).json()["thread_id"]
        body = {"assistant_id": "tria", "input": {"messages": [{"role": "user", "content": text}]}}
        values = client.post(f"/threads/{thread}/runs/wait", json=body).json()
        return str(values["messages"][-1]["content"])


def connect(client: httpx.Client, url: str, tenant_id: str) -> httpx.Response:
    authorize_url, state = begin(client)
    assert consent(authorize_url, url).status_code == 200
    return client.post("/admin/xero/tenant", json={"state": state, "tenant_id": tenant_id})


def trail(database: str) -> list[tuple[str, str]]:
    with psycopg.connect(database) as connection:
        sql = "select event, actor from audit where event like 'xero.%' order by audit_id"
        return connection.execute(sql).fetchall()


def test_an_admin_connects_xero_and_chooses_the_organisation(
    serve: Serve, sandbox: dict[str, str], own_database: str
) -> None:
    url, tenant = serve(**UNCONNECTED), sandbox["XERO_TENANT_ID"]
    with staff_client(url) as client:
        found = client.get("/admin/xero").json()
        assert (found["is_connected"], found["connection"]) == (False, None)
        assert "connects it" in found["to_do"][0]
        assert "accounts system" in answer_to(url, "what do I owe?")

        authorize_url, state = begin(client)
        page = consent(authorize_url, url)
        assert page.status_code == 200
        assert "Tria Demo" in page.text
        assert "script-src 'self'" in page.headers["Content-Security-Policy"]
        assert not client.get("/admin/xero").json()["is_connected"], "nobody has chosen yet"

        choice = {"state": state, "tenant_id": tenant}
        chosen = client.post("/admin/xero/tenant", json=choice)
        assert chosen.json() == {"tenant_id": tenant, "name": "Tria Demo"}
        assert client.post("/admin/xero/tenant", json=choice).status_code == 409
        found = client.get("/admin/xero").json()
        assert (found["is_connected"], found["connection"]["connected_by"]) == (True, "shanti")
        assert "You owe SGD" in answer_to(url, "what do I owe?")
        assert client.get("/admin/xero").json()["limits"]["minute_left"] is not None
    names = ("sign_in_begun", "sign_in_returned", "connected")
    assert trail(own_database) == [(f"xero.{name}", "shanti") for name in names]


def test_a_page_that_is_loaded_again_still_offers_the_choice(serve: Serve) -> None:
    url = serve(**UNCONNECTED)
    with staff_client(url) as client:
        authorize_url, _ = begin(client)
        page = consent(authorize_url, url)
        assert httpx.get(str(page.url)).text == page.text


# 5.4 case 38
def test_an_organisation_that_the_sign_in_does_not_open_is_refused(
    serve: Serve, sandbox: dict[str, str]
) -> None:
    url = serve(**UNCONNECTED)
    with staff_client(url) as client:
        refused = connect(client, url, str(uuid4()))
        assert refused.status_code == 409
        assert "Choose another" in refused.json()["detail"]
        assert not client.get("/admin/xero").json()["is_connected"]


# 5.4 case 38, where the settings name the organisation.
def test_another_organisation_than_the_configured_one_is_refused(
    serve: Serve, sandbox: dict[str, str]
) -> None:
    url = serve(XERO_TENANT_ID=str(uuid4()), XERO_REFRESH_TOKEN="")
    with staff_client(url) as client:
        refused = connect(client, url, sandbox["XERO_TENANT_ID"])
        assert refused.status_code == 409
        assert "XERO_TENANT_ID" in refused.json()["detail"]


def test_only_the_admin_who_began_can_choose(serve: Serve, sandbox: dict[str, str]) -> None:
    url = serve(**UNCONNECTED)
    other = staff_headers(Staff("another-admin", "Another Admin", 4, is_admin=True))
    with staff_client(url) as client:
        authorize_url, state = begin(client)
        consent(authorize_url, url)
        choice = {"state": state, "tenant_id": sandbox["XERO_TENANT_ID"]}
        assert client.post("/admin/xero/tenant", json=choice, headers=other).status_code == 409
        assert client.post("/admin/xero/tenant", json=choice).is_success


@pytest.mark.parametrize(
    "query",
    [
        {"error": "access_denied", "state": "x"},
        {"state": "nobody began this", "code": "x"},
        {},
        {"state": "<script>alert(1)</script>", "code": "<b>"},
    ],
    ids=["not agreed", "unknown state", "nothing", "markup"],
)
def test_coming_back_in_vain_says_what_to_do(service_url: str, query: dict[str, str]) -> None:
    page = httpx.get(f"{service_url}/admin/xero/callback", params=query)
    assert page.status_code == 400
    assert "Begin again" in page.text
    assert "alert(1)" not in page.text


# 5.4 case 37
def test_a_refresh_token_that_ended_takes_accounts_offline_until_an_admin_connects_again(
    serve: Serve, sandbox: dict[str, str], own_database: str
) -> None:
    url, tenant = serve(**UNCONNECTED), sandbox["XERO_TENANT_ID"]
    with (
        staff_client(url) as client,
        psycopg.connect(own_database, autocommit=True) as table,
    ):
        assert connect(client, url, tenant).is_success
        forgotten = cipher(SECRET).encrypt(b"xero forgot this")
        table.execute("update xero_tokens set expires_at = now(), refresh_token = %s", [forgotten])
        assert "accounts system" in answer_to(url, "what do I owe?")
        assert "Thursday" in answer_to(url, "which days do you deliver?")
        found = client.get("/admin/xero").json()
        assert not found["is_connected"]
        assert found["connection"]["broken_at"]
        assert "an admin connects it again" in found["to_do"][0]

        assert connect(client, url, tenant).is_success
        assert client.get("/admin/xero").json()["is_connected"]
        assert "You owe SGD" in answer_to(url, "what do I owe?")

        table.execute("update xero_tokens set refreshed_at = now() - interval '46 days'")
        found = client.get("/admin/xero").json()
        assert found["connection"]["is_ageing"]
        assert "45 days" in found["to_do"][0]


# ---------------------------------------------------------------- a conversation as an eval case


async def test_staff_take_a_draft_of_a_case_and_the_audit_trail_says_who(
    sdk: LangGraphClient, admin: httpx.AsyncClient, table: "psycopg.Connection[DictRow]"
) -> None:
    thread = await a_thread(sdk)
    await say(sdk, thread, "what do I owe?")
    draft = (await admin.get(f"/admin/conversations/{thread}/case")).json()
    assert draft["turns"][0]["user"] == "what do I owe?"
    assert draft["turns"][0]["expect"]["intents"] == ["balance"]
    found = table.execute(
        "select actor from audit where event = 'conversation.captured' and subject = %s", [thread]
    ).fetchall()
    assert [row["actor"] for row in found] == [colleague(-1).staff_id]


async def test_a_conversation_that_is_not_there_has_no_draft(admin: httpx.AsyncClient) -> None:
    answer = await admin.get(f"/admin/conversations/{NOBODY}/case")
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"
