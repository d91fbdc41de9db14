import httpx
import pytest

from tests.tools.sandbox.conftest import (
    API,
    REDIRECT,
    Xero,
    consent,
    exchange,
    headers_with,
    sign_in,
    token_for,
)
from tools.sandbox.company import company

ORGANISATION = "/xero/api.xro/2.0/Organisation"
MINUTE = 60


def wind(http: httpx.Client, seconds: float) -> None:
    http.post("/control/clock", json={"advance_seconds": seconds}).raise_for_status()


def test_a_sign_in_gives_a_bearer_for_thirty_minutes(http: httpx.Client) -> None:
    tokens = sign_in(http).json()

    assert (tokens["token_type"], tokens["expires_in"]) == ("Bearer", 1800)
    assert http.get(ORGANISATION, headers=headers_with(tokens["access_token"])).status_code == 200
    wind(http, 30 * MINUTE)
    ended = http.get(ORGANISATION, headers=headers_with(tokens["access_token"]))
    assert ended.status_code == 401
    assert "TokenExpired" in ended.json()["Detail"]


def test_a_refresh_token_rotates_and_its_predecessor_answers_for_a_while(
    http: httpx.Client,
) -> None:
    first = sign_in(http).json()["refresh_token"]
    second = sign_in(http, first).json()["refresh_token"]

    assert second != first
    wind(http, 29 * MINUTE)
    assert sign_in(http, first).status_code == 200
    wind(http, 2 * MINUTE)
    refused = sign_in(http, first)
    assert (refused.status_code, refused.json()) == (400, {"error": "invalid_grant"})
    assert sign_in(http, second).status_code == 200


def test_a_refresh_token_ends_after_sixty_days_unused(http: httpx.Client) -> None:
    token = sign_in(http).json()["refresh_token"]
    wind(http, 60 * 24 * 60 * MINUTE)

    assert sign_in(http, token).json() == {"error": "invalid_grant"}


def test_an_unknown_refresh_token(http: httpx.Client) -> None:
    assert sign_in(http, "made-up").json() == {"error": "invalid_grant"}


@pytest.mark.parametrize("secret", ["wrong", "ü", ""])
def test_a_wrong_client_secret(http: httpx.Client, secret: str) -> None:
    form = {"grant_type": "refresh_token", "refresh_token": "demo-refresh-token"}
    answer = http.post("/xero/connect/token", data=form, auth=("demo-client", secret))

    assert (answer.status_code, answer.json()) == (400, {"error": "invalid_client"})


def test_consent_leads_straight_back_with_a_code_that_works_once(http: httpx.Client) -> None:
    back = consent(http, state="s1")
    answers = [exchange(http, back.params["code"]) for _ in range(2)]

    assert str(back).startswith(REDIRECT)
    assert back.params["state"] == "s1"
    assert [a.status_code for a in answers] == [200, 400]


def test_a_code_is_worth_nothing_elsewhere_or_later(http: httpx.Client) -> None:
    code = consent(http).params["code"]

    assert exchange(http, code, "http://localhost/other").json() == {"error": "invalid_grant"}
    wind(http, 6 * MINUTE)
    assert exchange(http, code).json() == {"error": "invalid_grant"}


@pytest.mark.parametrize(
    "changes",
    [
        {"redirect_uri": "https://elsewhere.example/callback"},
        {"redirect_uri": "not an address"},
        {"client_id": "another"},
        {"response_type": "token"},
    ],
)
def test_consent_is_not_asked_for_strangers(http: httpx.Client, changes: dict[str, str]) -> None:
    with pytest.raises(AssertionError, match="unauthorized_client"):
        consent(http, **changes)


def test_an_unknown_scope_leads_back_without_a_code(http: httpx.Client) -> None:
    back = consent(http, scope="offline_access accounting.everything")

    assert dict(back.params) == {"error": "invalid_scope", "state": "s1"}


def test_without_offline_access_there_is_no_refresh_token(http: httpx.Client) -> None:
    tokens = exchange(http, consent(http, scope="accounting.settings").params["code"]).json()

    assert tokens["scope"] == "accounting.settings"
    assert "refresh_token" not in tokens


def test_a_refresh_keeps_the_scope(http: httpx.Client) -> None:
    scope = "offline_access accounting.settings.read"
    first = exchange(http, consent(http, scope=scope).params["code"]).json()

    assert sign_in(http, first["refresh_token"]).json()["scope"] == scope


def test_the_demo_token_has_the_scope_that_the_service_needs(http: httpx.Client) -> None:
    assert set(sign_in(http).json()["scope"].split()) == {
        "offline_access",
        "accounting.contacts.read",
        "accounting.invoices",
        "accounting.payments.read",
        "accounting.settings.read",
        "accounting.reports.aged.read",
    }


def revoke(http: httpx.Client, token: str, secret: str) -> httpx.Response:
    auth = ("demo-client", secret)
    return http.post("/xero/connect/revocation", data={"token": token}, auth=auth)


def test_a_revoked_consent_is_over_for_all_its_tokens(http: httpx.Client) -> None:
    tokens = sign_in(http).json()
    newer = sign_in(http, tokens["refresh_token"]).json()

    assert revoke(http, newer["refresh_token"], "wrong").json() == {"error": "invalid_client"}
    assert revoke(http, newer["refresh_token"], company()["app"]["client_secret"]).is_success
    assert sign_in(http, tokens["refresh_token"]).json() == {"error": "invalid_grant"}
    access = headers_with(newer["access_token"])
    assert http.get(ORGANISATION, headers=access).status_code == 401
    assert sign_in(http).status_code == 200


READ_ONLY = "accounting.invoices.read accounting.settings.read"


@pytest.mark.parametrize(
    ("scope", "method", "path", "status"),
    [
        (READ_ONLY, "GET", "/Invoices", 200),
        (READ_ONLY, "GET", "/Items", 200),
        (READ_ONLY, "PUT", "/Invoices", 403),
        (READ_ONLY, "GET", "/Payments", 403),
        (READ_ONLY, "GET", "/Contacts", 403),
        (READ_ONLY, "GET", "/Nothing", 404),
        ("accounting.transactions", "GET", "/Quotes", 200),
        ("accounting.transactions", "PUT", "/Payments", 400),
        ("accounting.payments.read", "PUT", "/Payments", 403),
        ("accounting.invoices", "GET", "/Reports/AgedReceivablesByContact", 403),
        ("accounting.reports.read", "GET", "/Reports/AgedReceivablesByContact", 400),
        ("accounting.contacts.read", "PUT", "/Contacts", 403),
        ("offline_access", "GET", "/Organisation", 403),
    ],
)
def test_a_scope_opens_what_it_names(
    http: httpx.Client, scope: str, method: str, path: str, status: int
) -> None:
    headers = headers_with(token_for(http, scope))
    answer = http.request(method, API + path, headers=headers)

    assert answer.status_code == status
    if status == 403:
        assert "insufficient_scope" in answer.json()["Detail"]
        assert "insufficient_scope" in answer.headers["WWW-Authenticate"]


def test_what_the_service_may_not_do(xero: Xero) -> None:
    writes = (("PUT", "/Payments"), ("PUT", "/Contacts"))

    assert [xero.send(m, path, {}).status_code for m, path in writes] == [403, 403]


def test_connections_name_the_one_organisation(xero: Xero) -> None:
    connections = xero.http.get("/xero/connections").json()

    assert [c["tenantId"] for c in connections] == [company()["organisation"]["tenant_id"]]


@pytest.mark.parametrize("authorization", ["", "Bearer made-up", "Basic x"])
def test_no_valid_bearer(http: httpx.Client, authorization: str) -> None:
    headers = headers_with("") | {"Authorization": authorization}

    assert http.get(ORGANISATION, headers=headers).status_code == 401


def test_another_tenant_is_forbidden(xero: Xero) -> None:
    answer = xero.get_with({"xero-tenant-id": "another"}, "/Organisation")

    assert (answer.status_code, answer.json()["Title"]) == (403, "Forbidden")


def test_an_app_can_be_connected_to_several_organisations(xero: Xero) -> None:
    ours = company()["organisation"]["tenant_id"]
    listed = [{"tenant_id": "t2", "name": "Another"}, {"tenant_id": ours, "name": "Tria Demo"}]
    xero.control("/connections", connections=listed)

    found = xero.http.get("/xero/connections").json()
    assert [c["tenantId"] for c in found] == ["t2", ours]
    assert xero.get("/Organisation").status_code == 200
    assert xero.get_with({"xero-tenant-id": "t2"}, "/Organisation").status_code == 403


def test_a_connection_that_ended_is_forbidden(xero: Xero) -> None:
    xero.control("/connections", connections=[])

    assert xero.http.get("/xero/connections").json() == []
    assert xero.get("/Organisation").status_code == 403


def test_a_token_endpoint_that_is_down(xero: Xero) -> None:
    xero.control("/faults", operation="POST /connect/token", mode="unavailable")

    assert sign_in(xero.http).status_code == 503
    assert sign_in(xero.http).status_code == 200
