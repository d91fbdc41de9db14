import asyncio
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from tests.tools.sandbox.conftest import Xero, headers_with, sign_in
from tools.sandbox.xero.limits import Limits
from tools.sandbox.xero.wire import Refused

ORGANISATION = "/xero/api.xro/2.0/Organisation"
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


async def test_every_answer_tells_what_is_left(limited: httpx.AsyncClient) -> None:
    good = await limited.get(ORGANISATION)
    refused = await limited.get(ORGANISATION, headers={"Authorization": "Bearer x"})

    assert good.headers["X-MinLimit-Remaining"] == "59"
    assert good.headers["X-DayLimit-Remaining"] == "4999"
    assert refused.headers["X-AppMinLimit-Remaining"] == "9999"


async def test_the_sixth_call_at_a_time_is_refused(limited: httpx.AsyncClient) -> None:
    answers = await asyncio.gather(*(limited.get(ORGANISATION) for _ in range(6)))

    assert sorted(a.status_code for a in answers) == [200] * 5 + [429]
    refused = next(a for a in answers if a.status_code == 429)
    assert refused.headers["X-Rate-Limit-Problem"] == "concurrent"


def test_the_sixty_first_call_of_a_minute_waits_for_the_first_to_age() -> None:
    limits = Limits()
    for second in range(60):
        with limits.slot(NOON + timedelta(seconds=second / 2)):
            pass

    with pytest.raises(Refused) as refused, limits.slot(NOON + timedelta(seconds=40)):
        pass
    headers = refused.value.reply.headers
    assert (headers["X-Rate-Limit-Problem"], headers["Retry-After"]) == ("minute", "20")
    with limits.slot(NOON + timedelta(seconds=60)):
        pass


def test_the_day_has_its_own_limit() -> None:
    limits = Limits(per_minute=2, per_day=3)
    for minute in range(3):
        with limits.slot(NOON + timedelta(minutes=2 * minute)):
            pass

    with pytest.raises(Refused) as refused, limits.slot(NOON + timedelta(hours=1)):
        pass
    assert refused.value.reply.headers["X-Rate-Limit-Problem"] == "day"
    assert int(refused.value.reply.headers["Retry-After"]) == 23 * 3600


def problem(answer: httpx.Response) -> tuple[int, str, str | None]:
    headers = answer.headers
    return answer.status_code, headers["X-Rate-Limit-Problem"], headers.get("Retry-After")


@pytest.mark.parametrize(
    ("kind", "seconds", "left"),
    [
        ("minute", 7, "X-MinLimit-Remaining"),
        ("day", 66_975, "X-DayLimit-Remaining"),
        ("appminute", 3, "X-AppMinLimit-Remaining"),
    ],
)
def test_each_kind_can_be_forced(xero: Xero, kind: str, seconds: int, left: str) -> None:
    order = {"operation": "GET /Organisation", "mode": "rate_limit"}
    xero.control("/faults", **order, problem=kind, retry_after=seconds)
    answer = xero.get("/Organisation")

    assert problem(answer) == (429, kind, str(seconds))
    assert answer.headers[left] == "0"
    assert xero.get("/Organisation").status_code == 200


def test_a_concurrent_refusal_without_a_time(xero: Xero) -> None:
    order = {"operation": "*", "mode": "rate_limit"}
    xero.control("/faults", **order, problem="concurrent", retry_after=None)

    assert problem(xero.get("/Organisation")) == (429, "concurrent", None)


def test_what_is_left_of_the_day_can_be_set(xero: Xero) -> None:
    limits = xero.control("/limits", per_day=1000, day_used=998)
    answers = [xero.get("/Organisation") for _ in range(3)]

    assert (limits["per_day"], limits["day_used"]) == (1000, 998)
    assert [a.headers["X-DayLimit-Remaining"] for a in answers] == ["1", "0", "0"]
    assert problem(answers[2])[1] == "day"
    assert int(problem(answers[2])[2] or 0) > 23 * 3600
    xero.control("/clock", advance_seconds=25 * 3600)
    again = xero.get_with(headers_with(sign_in(xero.http).json()["access_token"]), "/Organisation")
    assert again.headers["X-DayLimit-Remaining"] == "999"


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({"per_minute": 0}, "minute"),
        ({"per_app_minute": 10, "app_minute_used": 10}, "appminute"),
        ({"concurrent": 0}, "concurrent"),
    ],
)
def test_every_limit_can_be_set_and_given_up(
    xero: Xero, changes: dict[str, int], kind: str
) -> None:
    xero.control("/limits", **changes)
    assert problem(xero.get("/Organisation"))[:2] == (429, kind)

    xero.control("/limits")
    assert xero.get("/Organisation").status_code == 200


def test_a_refused_call_uses_nothing_up() -> None:
    limits = Limits(per_minute=1)
    with limits.slot(NOON):
        pass
    for _ in range(3):
        with pytest.raises(Refused), limits.slot(NOON):
            pass

    assert limits.used("day", NOON) == 1
