import asyncio
from datetime import UTC, datetime, timedelta

import httpx
import pytest

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
