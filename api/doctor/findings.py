"""Checks, what each comes to, and the rule by which they are a go or a no-go."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Generic, Literal, TypeVar

import httpx
import psycopg
from redis.exceptions import RedisError

from tools.errors import TriaError

Result = Literal["pass", "fail", "not run"]
Verdict = Literal["go", "no-go"]
Place = TypeVar("Place", contravariant=True)

SECONDS = 20.0  # for one check, unless it says more
AT_ONCE = 8
# What does not answer is what is looked for; whatever else a check raises is a fault of its own.
NO_ANSWER = (OSError, httpx.HTTPError, psycopg.Error, RedisError, TriaError)


class NotRun(Exception):
    """This cannot be found out from here; the message says why, without anything secret."""


@dataclass(frozen=True)
class Finding:
    """What a check came to. `to_do` is what the check says, unless this says it better."""

    result: Result
    evidence: str
    to_do: str = ""


def verdict(evidence: str, to_do: str = "", *, ok: bool) -> Finding:
    """A pass or a fail."""
    return Finding("pass" if ok else "fail", evidence, to_do)


@dataclass(frozen=True)
class Check(Generic[Place]):
    """One thing to look at. Those of a stage run at once, after those of the stages before."""

    id: str
    looks_at: str
    to_do: str
    ask: Callable[[Place], Awaitable[Finding]]
    stage: int = 0
    seconds: float = SECONDS

    @property
    def group(self) -> str:
        """The first word of the id."""
        return self.id.partition(".")[0]


@dataclass(frozen=True)
class Found:
    """A check and what it came to; `waived` is the reason why nobody minds that it did not run."""

    check: Check[Any]
    finding: Finding
    waived: str = ""

    @property
    def stands_against(self) -> bool:
        """Whether this alone is a no-go."""
        return self.finding.result == "fail" or (
            self.finding.result == "not run" and not self.waived
        )


@dataclass
class Checks(Generic[Place]):
    """A list of checks, each added by its own function."""

    all: list[Check[Place]] = field(default_factory=list)

    def add(
        self, name: str, looks_at: str, to_do: str, *, stage: int = 0, seconds: float = SECONDS
    ) -> Callable[[Callable[[Place], Awaitable[Finding]]], Callable[[Place], Awaitable[Finding]]]:
        """Make a check of a function."""

        def added(ask: Callable[[Place], Awaitable[Finding]]) -> Callable[..., Awaitable[Finding]]:
            self.all.append(Check(name, looks_at, to_do, ask, stage, seconds))
            return ask

        return added


async def run_all(
    checks: Iterable[Check[Place]], place: Place, waived: Mapping[str, str]
) -> list[Found]:
    """Every finding, in the order of the checks. No check can keep another from being made."""
    every = list(checks)
    findings: dict[str, Finding] = {}
    for stage in sorted({check.stage for check in every}):
        room = asyncio.Semaphore(AT_ONCE)
        now = [check for check in every if check.stage == stage]
        came = await asyncio.gather(*(_made(check, place, room) for check in now))
        findings |= dict(zip((check.id for check in now), came, strict=True))
    return [_found(check, findings[check.id], waived) for check in every]


async def _made(check: Check[Place], place: Place, room: asyncio.Semaphore) -> Finding:
    async with room:
        task = asyncio.ensure_future(check.ask(place))
        # Not asyncio.timeout: what ignores being cancelled would hold everything up.
        done, _ = await asyncio.wait({task}, timeout=check.seconds)
        if not done:
            task.cancel()
            return Finding("fail", f"no answer within {check.seconds:.0f} s")
    return _outcome(task)


def _outcome(task: "asyncio.Future[Finding]") -> Finding:
    """Never the words of an error: they may quote a password or a customer."""
    if task.cancelled():
        return Finding("not run", "it was cut off")
    error = task.exception()
    if isinstance(error, NotRun):
        return Finding("not run", str(error))
    if isinstance(error, NO_ANSWER):
        return Finding("fail", f"no answer: {type(error).__name__}")
    if error:
        return Finding("not run", f"the check itself failed: {type(error).__name__}")
    return task.result()


def _found(check: Check[Place], finding: Finding, waived: Mapping[str, str]) -> Found:
    to_do = finding.to_do or check.to_do if finding.result == "fail" else ""
    reason = waived.get(check.id, "") if finding.result == "not run" else ""
    return Found(check, replace(finding, to_do=to_do), reason)


def go_or_not(found: Sequence[Found]) -> Verdict:
    """Go, when every check passed or did not run and is waived by name. A fail is never waived."""
    return "no-go" if any(each.stands_against for each in found) else "go"


def exit_code(found: Sequence[Found]) -> int:
    """0: go. 1: something fails. 2: nothing fails, and something was not looked at."""
    if any(each.finding.result == "fail" for each in found):
        return 1
    return 2 if go_or_not(found) == "no-go" else 0
