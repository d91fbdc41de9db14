"""Signing in on the pages, and what a page does with errors."""

import httpx
import pytest

from api.console.session import COOKIE
from api.tokens import STAFF, signed, staff_claims
from graph.clients import now
from tests.api.console.conftest import ADMIN, AGENT, COLLEAGUES, Operators
from tests.conftest import SECRET, customer, headers_of


async def test_whoever_is_not_signed_in_is_sent_to_do_so_and_back(service_url: str) -> None:
    async with httpx.AsyncClient(base_url=service_url) as client:
        answer = await client.get("/console/xero")
        assert answer.status_code == 303
        assert answer.headers["location"] == "../console/sign-in?back=xero"
        page = await client.get("/console/sign-in", params={"back": "xero"})
        assert 'value="xero"' in page.text


async def test_a_good_token_opens_the_page_and_leaves_a_cookie_that_scripts_cannot_read(
    service_url: str, operator: Operators
) -> None:
    async with operator(AGENT) as signed:
        token = signed.cookies[COOKIE]
    async with httpx.AsyncClient(base_url=service_url) as client:
        body = {"token": token, "back": "xero"}
        answer = await client.post("/console/sign-in", data=body)
        assert (answer.status_code, answer.headers["location"]) == (303, "../console/xero")
        cookie = answer.headers["set-cookie"].lower()
        assert "httponly" in cookie
        assert "samesite=strict" in cookie
        page = await client.get("/console/xero")
        assert page.status_code == 200
        assert "Wei Jie" in page.text


async def test_an_admins_key_without_that_scope_opens_no_page_of_admins(service_url: str) -> None:
    claims = staff_claims(COLLEAGUES[ADMIN]) | {"scopes": ["console"]}
    token = signed(SECRET, STAFF, claims, now())
    async with httpx.AsyncClient(base_url=service_url, cookies={COOKIE: token}) as client:
        assert (await client.get("/console/xero")).status_code == 200
        for path in ("/console/privacy", "/console/audit"):
            assert (await client.get(path)).status_code == 403
        body = {"customer_id": "nobody", "typed": "nobody"}
        assert (await client.post("/console/privacy/erase", data=body)).status_code == 403


@pytest.mark.parametrize("token", ["", "nonsense", "a.b.c"])
async def test_a_bad_token_is_told_so(service_url: str, token: str) -> None:
    async with httpx.AsyncClient(base_url=service_url) as client:
        answer = await client.post("/console/sign-in", data={"token": token})
        assert answer.status_code == 401
        assert "tria sign-in" in answer.text
        assert COOKIE not in answer.cookies


async def test_a_customers_token_opens_nothing(service_url: str) -> None:
    token = headers_of(customer())["Authorization"].removeprefix("Bearer ")
    async with httpx.AsyncClient(base_url=service_url, cookies={COOKIE: token}) as client:
        assert (await client.get("/console/xero")).status_code == 303
        assert (await client.post("/console/sign-in", data={"token": token})).status_code == 401


@pytest.mark.parametrize(
    "back",
    [
        *("//evil.example", "/etc", "https://evil.example", 'a"b', "\u4e2d"),
        *("../demo", "xero/../../demo", "%2e%2E/demo"),
    ],
)
async def test_the_way_back_leads_nowhere_else(
    service_url: str, operator: Operators, back: str
) -> None:
    async with operator(AGENT) as signed:
        body = {"token": signed.cookies[COOKIE], "back": back}
    async with httpx.AsyncClient(base_url=service_url) as client:
        answer = await client.post("/console/sign-in", data=body)
        assert answer.headers["location"] == "../console"


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "https://evil.example"},
    ],
)
async def test_a_form_of_another_site_changes_nothing(
    operator: Operators, headers: dict[str, str]
) -> None:
    async with operator(ADMIN) as client:
        answer = await client.post("/console/xero/connect", headers=headers)
        assert answer.status_code == 403
        assert "another site" in answer.text


async def test_what_only_an_admin_may_do_is_refused_on_a_page(operator: Operators) -> None:
    async with operator(AGENT) as client:
        answer = await client.post("/console/xero/connect")
        assert answer.status_code == 403
        assert answer.headers["content-type"].startswith("text/html")
        assert "Only an admin" in answer.text


async def test_pages_carry_a_strict_policy_and_signing_out_ends_the_cookie(
    operator: Operators,
) -> None:
    async with operator(ADMIN) as client:
        page = await client.get("/console/xero")
        policy = page.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert page.headers["cache-control"] == "no-store"
        gone = await client.post("/console/sign-out")
        assert 'tria_console=""' in gone.headers["set-cookie"]


@pytest.mark.parametrize(
    "name", ["../rendering.py", "console.py", "console.css.map", "%2e%2e/a.js"]
)
async def test_only_styles_and_scripts_are_served(service_url: str, name: str) -> None:
    async with httpx.AsyncClient(base_url=service_url) as client:
        assert (await client.get("/console/static/console.css")).status_code == 200
        assert (await client.get(f"/console/static/{name}")).status_code == 404
