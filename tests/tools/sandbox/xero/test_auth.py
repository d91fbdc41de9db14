import httpx
import pytest

from tests.tools.sandbox.conftest import Xero, headers_with, sign_in
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
    redirect = "http://localhost/callback"
    asked = {
        "response_type": "code",
        "client_id": company()["app"]["client_id"],
        "redirect_uri": redirect,
        "scope": "offline_access",
        "state": "s1",
    }
    consent = http.get("/xero/identity/connect/authorize", params=asked)
    back = httpx.URL(consent.headers["location"])
    form = {
        "grant_type": "authorization_code",
        "code": back.params["code"],
        "redirect_uri": redirect,
    }
    auth = ("demo-client", company()["app"]["client_secret"])
    answers = [http.post("/xero/connect/token", data=form, auth=auth) for _ in range(2)]

    assert (consent.status_code, back.params["state"]) == (302, "s1")
    assert [a.status_code for a in answers] == [200, 400]


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


def test_a_token_endpoint_that_is_down(xero: Xero) -> None:
    xero.control("/faults", operation="POST /connect/token", mode="unavailable")

    assert sign_in(xero.http).status_code == 503
    assert sign_in(xero.http).status_code == 200
