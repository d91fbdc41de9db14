"""What checks come to together: no check keeps another from being made, and one rule says go."""

import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from api.doctor.findings import (
    Check,
    Checks,
    Finding,
    Found,
    NotRun,
    exit_code,
    go_or_not,
    run_all,
    verdict,
)
from api.doctor.lists import INSTALLATION, STAGING
from api.doctor.report import as_json, as_table

SECRET = "postgresql://tria:hunter2hunter2@db"  # pragma: allowlist secret
WELL, UNWELL, UNSEEN = (
    verdict("it is", ok=True),
    verdict("it is not", ok=False),
    Finding("not run", "nobody can see it"),
)


def found(*results: Finding, waived: str = "") -> list[Found]:
    async def never(place: object) -> Finding:
        raise AssertionError

    check: Check[Any] = Check("group.name", "whether it is", "Make it so.", never)
    return [Found(check, each, waived if each.result == "not run" else "") for each in results]


@pytest.mark.parametrize(
    ("came", "says", "code"),
    [
        (found(WELL, WELL), "go", 0),
        (found(WELL, UNSEEN), "no-go", 2),
        (found(WELL, UNSEEN, waived="there is none here"), "go", 0),
        (found(WELL, UNWELL), "no-go", 1),
        (found(UNSEEN, UNWELL), "no-go", 1),
    ],
)
def test_one_rule_says_go(came: list[Found], says: str, code: int) -> None:
    assert (go_or_not(came), exit_code(came)) == (says, code)


async def checked(*asks: Callable[[str], Awaitable[Finding]], **more: Any) -> list[Finding]:
    checks: Checks[str] = Checks()
    for number, ask in enumerate(asks):
        checks.add(f"group.{number}", "whether it is", "Make it so.", **more)(ask)
    return [each.finding for each in await run_all(checks.all, "here", {})]


async def test_a_check_that_breaks_or_hangs_keeps_no_other_from_being_made() -> None:
    async def well(place: str) -> Finding:
        return verdict(place, ok=True)

    async def breaks(place: str) -> Finding:
        raise KeyError(SECRET)

    async def is_away(place: str) -> Finding:
        raise ConnectionError(SECRET)

    async def cannot(place: str) -> Finding:
        raise NotRun("there is none here")

    async def hangs(place: str) -> Finding:
        end = time.monotonic() + 3
        while time.monotonic() < end:  # it does not even let itself be cancelled
            try:
                await asyncio.sleep(0.1)
            except asyncio.CancelledError:
                continue
        return WELL

    started = time.monotonic()
    came = await checked(well, breaks, is_away, cannot, hangs, well, seconds=0.3)
    assert time.monotonic() - started < 2
    assert [each.result for each in came] == ["pass", "not run", "fail", "not run", "fail", "pass"]
    assert SECRET not in str(came)
    assert came[4].evidence == "no answer within 0 s"
    assert came[2].to_do == "Make it so."


async def test_a_stage_begins_when_the_one_before_has_ended() -> None:
    order: list[str] = []
    checks: Checks[str] = Checks()

    @checks.add("group.late", "whether", "Do.", stage=1)
    async def late(place: str) -> Finding:
        order.append("late")
        return WELL

    @checks.add("group.early", "whether", "Do.")
    async def early(place: str) -> Finding:
        await asyncio.sleep(0.05)
        order.append("early")
        return WELL

    came = await run_all(checks.all, "here", {})
    assert order == ["early", "late"]
    assert [each.check.id for each in came] == ["group.late", "group.early"]


async def test_only_what_did_not_run_is_waived() -> None:
    async def unseen(place: str) -> Finding:
        raise NotRun("nobody can see it")

    async def unwell(place: str) -> Finding:
        return UNWELL

    checks: Checks[str] = Checks()
    checks.add("group.unseen", "whether", "Do.")(unseen)
    checks.add("group.unwell", "whether", "Do.")(unwell)
    waivers = {"group.unseen": "none here", "group.unwell": "never mind"}
    came = await run_all(checks.all, "here", waivers)
    assert [each.waived for each in came] == ["none here", ""]
    assert go_or_not(came) == "no-go"


def test_machines_and_people_read_the_same() -> None:
    came = found(WELL, UNWELL, UNSEEN, waived="none here")
    whole = json.loads(as_json(came, {"of": "a test"}))
    assert whole["counts"] == {"pass": 1, "fail": 1, "not run": 1, "waived": 1}
    assert (whole["verdict"], whole["exit_code"], whole["of"]) == ("no-go", 1, "a test")
    assert [row["waived"] for row in whole["checks"]] == [None, None, "none here"]
    table = as_table(came)
    for row in whole["checks"]:
        assert row["evidence"] in table
    assert "waived: none here" in table
    assert "NO-GO: 1 pass, 1 fail, 1 not run, 1 waived" in table


def test_each_check_has_an_id_of_its_own_and_the_groups_are_whole() -> None:
    for checks in (INSTALLATION, STAGING):
        ids = [check.id for check in checks]
        assert len(ids) == len(set(ids))
    groups = {check.group for check in STAGING}
    assert groups == {"infrastructure", "function", "performance", "monitoring", "security"}
    assert len(STAGING) >= 35
