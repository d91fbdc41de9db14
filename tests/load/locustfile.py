"""The customers, as Locust plays them; `TRIA_LOAD_JOB` names the file that says what is played.

In the closed model so many customers talk at a time, and think between an answer and what they say
next. In the open model conversations begin at random moments, whether or not others have ended.
Every turn becomes a line of the history.
"""

import itertools
import json
import os
import threading
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np
from locust import FastHttpUser, LoadTestShape, User, constant, task
from locust.runners import STATE_STOPPED, STATE_STOPPING
from typing_extensions import override

from evals.bench.fault.history import Turn, content_of
from tests.load.hearing import Heard, Lines, See
from tests.load.talks import Talk, Told, talks_of

JOB = json.loads(Path(os.environ["TRIA_LOAD_JOB"]).read_text())
CHANCE = np.random.default_rng(JOB["seed"])
HISTORY = Path(JOB["history"])
TOKENS = Path(JOB["tokens"])  # made anew before they end
CUSTOMERS = itertools.cycle(JOB["customers"])  # nobody talks twice before all others have
DEADLINE_SECONDS = 90.0
SILENCE_SECONDS = 30.0  # a stream that waits says so more often
AGAIN_SECONDS = 0.5
THOUGHT_SPREAD = 0.5
ALL_AT_ONCE = 1000.0  # those who leave, too: Locust waits for the talks of each second's share
READ_AGAIN = 0.05  # of the turns: what came is held against what is shown afterwards
MODES = ["messages-tuple", "values", "custom"]
# A server closes a connection that was kept for some seconds, perhaps while the next message is on
# its way: browsers send it again, and here nobody does.
CLOSING = {"Connection": "close"}
BROKEN = (OSError, ValueError)


class Stages(LoadTestShape):
    """So many users for so many seconds, one stage after the other."""

    @override
    def tick(self) -> tuple[int, float, list[type[User]] | None] | None:
        """The users wanted now; None when everything has been played."""
        HISTORY.touch()  # it is there from the moment at which the stages begin
        kind: type[User] = Arrivals if JOB["rate"] else Customer
        end = 0.0
        for users, seconds in JOB["stages"]:
            end += seconds
            if time.perf_counter() - self.start_time < end:
                return users, ALL_AT_ONCE, [kind]
        return None


class Talking(FastHttpUser):
    """Holds conversations; when they begin is for its kinds to say."""

    abstract = True
    host = JOB["url"]
    wait_time = constant(0)
    concurrency = 500  # of the ten that are usual, others would wait for a connection unseen
    network_timeout = SILENCE_SECONDS
    connection_timeout = 10.0

    @property
    def is_enough(self) -> bool:
        """Whether everything has been played."""
        runner = self.environment.runner
        return runner is None or runner.state in (STATE_STOPPING, STATE_STOPPED)

    def hold(self, customer: str) -> None:
        """One conversation from its first word to its last."""
        headers = {"Authorization": f"Bearer {json.loads(TOKENS.read_text())[customer]}"} | CLOSING
        talk, thread_id, wanted = _chosen(customer), str(uuid4()), time.monotonic()
        for number, text in enumerate(talk.says):
            turn = Turn(thread_id, str(uuid4()), text)
            heard = Heard(turn, talk, customer, headers, wanted)
            if number == 0:
                self._open(heard)
            if not heard.error:
                self._say(heard)
            self._note(heard)
            if self.is_enough or (number == 0 and heard.error):
                return
            wanted = time.monotonic() + float(
                CHANCE.lognormal(np.log(JOB["think_seconds"]), THOUGHT_SPREAD)
            )
            time.sleep(wanted - time.monotonic())

    def _open(self, heard: Heard) -> None:
        body = {"thread_id": heard.turn.thread_id, "if_exists": "do_nothing"}
        with self.client.post(
            "/threads", json=body, headers=heard.headers, catch_response=True, name="open"
        ) as answer:
            if answer.status_code != 200:
                heard.error = f"open: {_refusal(answer)}"
                answer.failure(heard.error)

    def _say(self, heard: Heard) -> None:
        """Send the message and listen until it is answered; a stream that was cut goes on."""
        turn = heard.turn
        message = {"type": "human", "id": turn.message_id, "content": turn.text}
        body = {
            "assistant_id": "tria",
            "input": {"messages": [message]},
            "stream_mode": MODES,
            "stream_resumable": True,
            "on_disconnect": "continue",
        }
        path = f"/threads/{turn.thread_id}/runs/stream"
        self._listen(heard, "POST", path, "say", heard.headers, json=body)
        while turn.run_id and not heard.is_over and heard.seconds < DEADLINE_SECONDS:
            turn.cuts += 1
            time.sleep(AGAIN_SECONDS)
            after = {**heard.headers, "Last-Event-ID": turn.last_id or "-1"}
            self._listen(heard, "GET", heard.path, "go on", after)
        if not heard.is_over:
            heard.error = f"no answer after {heard.seconds:.0f} s"

    def _listen(
        self,
        heard: Heard,
        method: str,
        path: str,
        name: str,
        headers: dict[str, str],
        **more: Any,
    ) -> None:
        """Read a stream until it ends, however it does."""
        with self.client.request(
            method, path, name=name, headers=headers, stream=True, catch_response=True, **more
        ) as answer:
            if answer.status_code != 200:
                said = _refusal(answer)
                heard.error = said if method == "POST" else ""
                answer.failure(said)
                return
            heard.turn.is_acknowledged = True
            _read(answer, heard.see, heard.wanted + DEADLINE_SECONDS)

    def _gap(self, heard: Heard) -> str:
        """How what came differs from what is shown of it now, if it does."""
        if not heard.turn.is_in_order:
            return "ids out of order"
        if heard.error or CHANCE.random() > READ_AGAIN:
            return ""
        whole: dict[str, str] = {}

        def see(event: str, data: Any, event_id: str | None) -> None:
            if event_id:
                whole[event_id] = content_of(event, data)

        headers = {**heard.headers, "Last-Event-ID": "-1"}
        with self.client.get(
            heard.path, name="read again", headers=headers, stream=True, catch_response=True
        ) as answer:
            is_whole = answer.status_code == 200 and _read(
                answer, see, time.monotonic() + SILENCE_SECONDS
            )
        return (heard.turn.missed(whole) or "") if is_whole else ""

    def _note(self, heard: Heard) -> None:
        turn, seconds, asked_at = heard.turn, heard.seconds, time.time() - heard.seconds
        told = Told(
            kind=heard.talk.kind,
            customer=heard.customer,
            thread_id=turn.thread_id,
            message_id=turn.message_id,
            run_id=turn.run_id,
            text=turn.text,
            asked_at=asked_at,
            first_event=heard.first_event,
            first_word=heard.first_word,
            seconds=seconds,
            stall=heard.stall,
            cuts=turn.cuts,
            is_acknowledged=turn.is_acknowledged,
            error=heard.error,
            spoken=turn.spoken,
            answer=turn.answer,
            gap=self._gap(heard),
        )
        with HISTORY.open("a", encoding="utf-8") as sink:
            sink.write(json.dumps(asdict(told), ensure_ascii=False) + "\n")
        self.environment.events.request.fire(
            request_type="TURN",
            name=told.kind,
            response_time=seconds * 1000,
            response_length=len(turn.answer),
            exception=RuntimeError(heard.error) if heard.error else None,
            context={},
        )


class Customer(Talking):
    """The closed model: one conversation after the other, each of another customer."""

    @task
    def talk(self) -> None:
        """Hold one."""
        if not self.is_enough:
            self.hold(next(CUSTOMERS))


class Arrivals(Talking):
    """The open model: conversations begin as in a Poisson process, however many are open."""

    @task
    def arrive(self) -> None:
        """Let them begin until it is enough, then see them to their ends."""
        held: list[threading.Thread] = []  # which are greenlets here
        wanted = time.monotonic()
        while not self.is_enough:
            wanted += float(CHANCE.exponential(1 / JOB["rate"]))
            time.sleep(max(0.0, wanted - time.monotonic()))
            held.append(threading.Thread(target=self.hold, args=(next(CUSTOMERS),), daemon=True))
            held[-1].start()
        for each in held:
            each.join(DEADLINE_SECONDS)


def _chosen(customer: str) -> Talk:
    """One that this customer can hold, by its share."""
    choices = talks_of(customer)
    shares = np.array([talk.share for talk in choices], float)
    return choices[CHANCE.choice(len(choices), p=shares / shares.sum())]


def _refusal(answer: Any) -> str:
    """The status and what the service, or the client, calls it."""
    try:
        why = json.loads(answer.text)["code"]
    except (ValueError, TypeError, KeyError):
        why = answer.text or answer.error
    return f"{answer.status_code} {why}"[:100]


def _read(answer: Any, see: See, until: float) -> bool:
    """Read a stream until it ends, but no longer than that; whether it ended by itself."""
    lines = Lines(see)
    try:
        while line := answer.stream.readline(b"\n"):
            lines.read(line)
            if time.monotonic() > until:
                raise TimeoutError
    except BROKEN as broken:
        answer.failure(repr(broken))
        return False
    return True
