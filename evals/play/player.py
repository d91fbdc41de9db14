"""Plays one case on a lane, step by step, and brings home everything that happened."""

import asyncio
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from typing import Any

import httpx
import psycopg
import redis

from evals.cases.books import values_of
from evals.cases.schema import Case, Step
from evals.lanes.lane import Lane
from evals.outcome import BookDocument, Call, Json, Outcome, Turn, XeroCall
from evals.play.belongings import belongings
from evals.play.observing import Observer
from evals.play.speaking import Speaker, message, pressed, say, say_twice, speaking
from graph.sweeper import SWEEP_SECONDS
from tools.sandbox.company import DemoCustomer, demo_customers, demo_staff

PLACEHOLDER = re.compile(r"\{[a-z][a-z.]*\}")
LATE = timedelta(minutes=10)  # after that, whatever went wrong at a write is tried once more
LOG_TAIL = 400  # lines


class CannotPlay(Exception):
    """The case asks for something that there is not; says what."""


FAILURES = (CannotPlay, httpx.HTTPError, psycopg.Error, redis.RedisError)


@dataclass
class Scene:
    """A conversation under way."""

    case: Case
    thread_id: str
    owned: list[str]
    foreign: list[str]
    turns: list[Turn] = field(default_factory=list)
    last_seen: int = 0  # the last message of the service that belongs to a turn
    calls_seen: int = 0
    has_faults: bool = False


class Player:
    """Plays cases on one lane, one after the other."""

    def __init__(self, lane: Lane, observer: Observer) -> None:
        self._lane = lane
        self._observer = observer

    async def play(self, case: Case) -> tuple[Case, Outcome]:
        """The case with its placeholders filled, and everything that happened.

        `crash` says why a case could not be played to its end.
        """
        try:
            scene = await self.begin(case)
        except FAILURES as error:
            return case, Outcome(crash=f"{type(error).__name__}: {error}")
        return scene.case, await self.finish(scene, scene.case.turns)

    async def finish(self, scene: Scene, steps: Sequence[Step]) -> Outcome:
        """Play the steps that are left; what cannot be played is said in the outcome."""
        started, log_from = time.monotonic(), self._lane.log.stat().st_size
        outcome = Outcome(thread_id=scene.thread_id, turns=scene.turns)
        try:
            self._set_model(scene.case)
            outcome = await self.go_on(scene, steps)
        except FAILURES as error:
            outcome.crash = f"{type(error).__name__}: {error}"
        outcome.log = _lines(self._lane, log_from)
        outcome.seconds = round(time.monotonic() - started, 2)
        return outcome

    async def begin(self, case: Case) -> Scene:
        """A fresh world in which the customer has opened a conversation."""
        self._lane.begin(case.clock)
        customer = next((c for c in demo_customers() if c.customer_id == case.customer), None)
        if customer is None:
            raise CannotPlay(f"there is no demo customer {case.customer}")
        owned, foreign = belongings(customer, self._lane)
        filled = _filled(case, customer, self._lane)
        async with speaking(self._lane.url, case.customer) as who:
            thread = await who.client.threads.create(metadata={"case": case.id})
        return Scene(filled, thread["thread_id"], owned, foreign)

    async def go_on(self, scene: Scene, steps: Sequence[Step], *, is_end: bool = True) -> Outcome:
        """Play further steps, and bring home what there is after them."""
        async with speaking(self._lane.url, scene.case.customer) as who:
            for step in steps:
                scene.turns.append(await self._step(scene, who, step))
        return await self._end(scene) if is_end else Outcome(turns=scene.turns)

    async def _end(self, scene: Scene) -> Outcome:
        """What stands in books and database once nothing is left to do."""
        if scene.has_faults:
            self._lane.pass_time(LATE)
        await self._settle(scene)
        await self._add_told(scene, scene.turns[-1])
        control = f"{self._lane.sandbox_url}/control"
        changes = self._lane.http.get(f"{control}/changes").json()
        outcome = Outcome(
            thread_id=scene.thread_id,
            turns=scene.turns,
            books=[_book(change) for change in changes],
            letters=self._lane.http.get(f"{control}/outbox").json(),
            actions=await self._observer.cards(scene.thread_id),
            tickets=await self._observer.tickets(scene.thread_id),
            owned=scene.owned,
            foreign=scene.foreign,
        )
        _add_writes(outcome)
        return outcome

    async def _step(self, scene: Scene, who: Speaker, step: Step) -> Turn:
        if step.after_minutes:
            self._lane.pass_time(timedelta(minutes=step.after_minutes))
        for fault in step.faults:
            scene.has_faults = True
            self._control("faults", fault.model_dump(mode="json"))
        turn = await self._do(scene, who, step)
        if step.user is None and step.button is None:
            await self._settle(scene)
        await self._observer.complete(turn)
        await self._add_told(scene, turn)
        if step.expect.same_answer_as:
            turn.other_answer = await self._elsewhere(who, step.expect.same_answer_as)
        self._add_xero(scene, turn)
        return turn

    async def _do(self, scene: Scene, who: Speaker, step: Step) -> Turn:
        if step.staff:
            return self._decide(scene, step)
        if step.payment:
            return await self._pay(step.payment)
        if step.user is None and step.button is None:
            await asyncio.sleep(2 * SWEEP_SECONDS)  # for what the service then does of itself
            return Turn(kind="wait", said=f"{step.after_minutes:g} minutes pass")
        said = message(step.user) if step.user else pressed(step.button or "", _card(scene))
        speak = say_twice if step.twice else say
        if step.by:
            async with speaking(self._lane.url, step.by) as other:
                turn = await speak(other, scene.thread_id, said)
        else:
            turn = await speak(who, scene.thread_id, said)
        turn.kind = "user" if step.user else "button"
        return turn

    def _decide(self, scene: Scene, step: Step) -> Turn:
        staff = next((s for s in demo_staff() if s.level == step.level), None)
        if staff is None:
            raise CannotPlay(f"nobody of the demo's staff has level {step.level}")
        http, url = self._lane.http, self._lane.url
        signed_in = http.post(f"{url}/demo/staff-sign-in", json={"staff_id": staff.staff_id})
        headers = {"Authorization": f"Bearer {signed_in.json()['token']}"}
        answer = http.post(
            f"{url}/admin/approvals/{_card(scene)['action_id']}",
            json={"decision": step.staff, "reason": step.reason},
            headers=headers,
        )
        turn = Turn(kind="staff", said=f"{step.staff} (level {step.level}) {step.reason}".strip())
        if answer.is_error:
            turn.refused = answer.status_code
        return turn

    async def _pay(self, number: str) -> Turn:
        control = f"{self._lane.sandbox_url}/control"
        invoices = self._lane.http.get(f"{control}/documents", params={"kind": "invoice"}).json()
        found = next((i for i in invoices if i.get("InvoiceNumber") == number), None)
        if found is None:
            raise CannotPlay(f"there is no invoice {number} to pay")
        amount = str(Decimal(str(found["AmountDue"])))
        self._control("payments", {"invoice_number": number, "amount": amount})
        if not await self._observer.wait_until_heard(found["InvoiceID"]):
            raise CannotPlay(f"nobody heard of the payment of {number}")
        return Turn(kind="payment", said=f"{number} is paid")

    def _set_model(self, case: Case) -> None:
        """The sandbox forgets when it is started again how its model is to behave."""
        if case.model:
            self._control("model", case.model.model_dump(mode="json"))

    async def _settle(self, scene: Scene) -> None:
        if not await self._observer.wait_until_idle(scene.thread_id):
            raise CannotPlay("the service was still at work after a long time")

    async def _add_told(self, scene: Scene, turn: Turn) -> None:
        for row in await self._observer.told(scene.thread_id, scene.last_seen):
            scene.last_seen = row["seq"]
            if row["run_id"] != turn.run_id:
                turn.told.append({"reply": row["content"], "extra": row["extra"]})

    async def _elsewhere(self, who: Speaker, text: str) -> str:
        """What the same customer is told in a conversation of its own."""
        thread = await who.client.threads.create()
        turn = await say(who, thread["thread_id"], message(text))
        await self._observer.complete(turn)
        return turn.reply

    def _add_xero(self, scene: Scene, turn: Turn) -> None:
        url = f"{self._lane.sandbox_url}/control/calls"
        for call in self._lane.http.get(url, params={"after": scene.calls_seen}).json():
            scene.calls_seen = call["number"]
            turn.xero.append(XeroCall.model_validate(call))

    def _control(self, what: str, body: Json) -> None:
        answer = self._lane.http.post(f"{self._lane.sandbox_url}/control/{what}", json=body)
        if answer.is_error:
            raise CannotPlay(f"the sandbox refused {what} {body}: {answer.text[:200]}")


def _filled(case: Case, customer: DemoCustomer, lane: Lane) -> Case:
    """Placeholders stand for what the seeded books hold of the customer."""
    text = case.model_dump_json()
    if not PLACEHOLDER.search(text):
        return case
    for name, value in values_of(customer, lane.sandbox_url).items():
        text = text.replace(name, value)
    if unknown := PLACEHOLDER.search(text):
        raise CannotPlay(f"the books of {case.customer} hold no {unknown[0]}")
    return Case.model_validate_json(text)


def _card(scene: Scene) -> dict[str, Any]:
    """The latest card that the customer was shown."""
    shown = (said for turn in reversed(scene.turns) for said in (*turn.told, {"extra": turn.extra}))
    card = next((s["extra"]["card"] for s in shown if s["extra"].get("card")), None)
    if card is None:
        raise CannotPlay("no card was shown whose button could be pressed")
    found: dict[str, Any] = card
    return found


def _add_writes(outcome: Outcome) -> None:
    """Each write as a call of the turn whose answer to the card led to it."""
    turns = {turn.run_id: turn for turn in outcome.turns if turn.run_id}
    for action in outcome.actions:
        turn = turns.get(action["confirmed_in"]) or turns.get(action["run_id"])
        if turn is None or not action["confirmed_by"]:
            continue
        turn.calls += [
            Call(name=w["operation"], kind="write", args=w["body"], outcome=w["status"])
            for w in action["writes"]
        ]


def _book(change: Json) -> BookDocument:
    after = change["after"]
    number = next(
        (after[n] for n in ("InvoiceNumber", "CreditNoteNumber", "QuoteNumber") if after.get(n)), ""
    )
    return BookDocument(
        kind=change["kind"], id=change["id"], number=number, before=change["before"], after=after
    )


def _lines(lane: Lane, start: int) -> list[str]:
    with lane.log.open("rb") as log:
        log.seek(start)
        return log.read().decode("utf-8", "replace").splitlines()[-LOG_TAIL:]
