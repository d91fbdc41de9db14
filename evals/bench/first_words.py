"""`python -m evals.bench.first_words`: what the service adds to the model's time to a sentence.

The model is a stand-in that answers at a known pace. From the time between a request and the
first sentence of its answer we take the time in which the same question, put to the model
directly, brings that sentence.
"""

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from evals.service import running_service
from tools.embedded.parts import running_sandbox
from tools.grounding.sentences import SentenceGate

CUSTOMER = "forno-rosso"
QUESTIONS = (
    "what do I owe?",
    "which days do you deliver?",
    "which payments have you received from us?",
    "how much is the fee if I cancel the day before delivery?",
    "how much is the 12 inch pizza box?",
)
ROUNDS = 8
FIRST_SECONDS, BETWEEN_SECONDS = 0.3, 0.02  # about the pace of a small hosted model
KEY = {"Authorization": "Bearer any-key"}
Json = dict[str, Any]


@dataclass(frozen=True)
class Turn:
    """One answer: seconds to its first sentence, and what the model was asked for it."""

    question: str
    seconds: float
    asked: Sequence[Json]

    @property
    def reply_request(self) -> Json | None:
        """The request whose answer was streamed to the customer."""
        return next((body for body in self.asked if body.get("stream")), None)

    @property
    def calls_before(self) -> int:
        """How many other answers of the model the customer had to wait for."""
        request = self.reply_request
        return len(self.asked) if request is None else list(self.asked).index(request)


def main() -> None:
    """Ask every question some times and print the figures."""
    options = _options()
    with (
        tempfile.TemporaryDirectory(prefix="tria-model-") as folder,
        running_sandbox(Path(folder)) as found,
    ):
        stand_in = found["XERO_API_URL"].removesuffix("/xero")
        turns = [*_measured(stand_in, options.rounds)]
        worded = [(turn, _own_time(stand_in, turn)) for turn in turns if turn.reply_request]
    overheads = [(turn.seconds - own) * 1000 for turn, own in worded]
    for turn, own in worded[: len(QUESTIONS)]:
        print(f"{turn.seconds * 1000:6.0f} ms, the model's own {own * 1000:4.0f}  {turn.question}")
    print(f"{len(worded)} of {len(turns)} answers were worded by the model")
    figures = {
        "overhead_ms_p50": round(statistics.median(overheads), 1),
        "overhead_ms_p95": round(statistics.quantiles(overheads, n=20)[-1], 1),
        "model_calls_before": max(turn.calls_before for turn, _ in worded),
    }
    print(json.dumps(figures))


def _measured(stand_in: str, rounds: int) -> Iterator[Turn]:
    """The turns of a service of its own that words its replies with the stand-in."""
    model = {"OPENAI_API_KEY": "any-key", "OPENAI_BASE_URL": f"{stand_in}/openai/v1"}
    with running_service(**model) as service:
        headers = service.sign_in(CUSTOMER)
        with httpx.Client(base_url=service.url, headers=headers, timeout=60) as client:
            _set_mode(stand_in, "echo")
            for question in QUESTIONS:  # warm up
                _turn(client, stand_in, question)
            _set_mode(stand_in, "slow")
            for _ in range(rounds):
                yield from [_turn(client, stand_in, question) for question in QUESTIONS]


def _turn(client: httpx.Client, stand_in: str, question: str) -> Turn:
    """A question in a conversation of its own; every run is unlike the last for any cache."""
    thread = client.post("/threads", json={}).json()["thread_id"]
    before = _asked(stand_in)["count"]
    body = {
        "assistant_id": "tria",
        "input": {"messages": [{"role": "user", "content": question}]},
        "stream_mode": ["messages-tuple"],
    }
    started, seconds = time.perf_counter(), 0.0
    with client.stream("POST", f"/threads/{thread}/runs/stream", json=body) as answer:
        for line in answer.iter_lines():
            if not seconds and line == "event: messages":
                seconds = time.perf_counter() - started
    asked = _asked(stand_in)
    new = asked["count"] - before
    return Turn(question, seconds, asked["bodies"][len(asked["bodies"]) - new :])


def _own_time(stand_in: str, turn: Turn) -> float:
    """Seconds in which the model itself brings the first sentence of its reply."""
    gate, started = SentenceGate(), time.perf_counter()
    request: Json = {"json": turn.reply_request, "headers": KEY, "timeout": 60}
    with httpx.stream("POST", f"{stand_in}/openai/v1/chat/completions", **request) as answer:
        for piece in _pieces(answer):
            if gate.feed(piece):
                break
    return time.perf_counter() - started


def _pieces(answer: httpx.Response) -> Iterator[str]:
    for line in answer.iter_lines():
        data = line.removeprefix("data: ")
        if line.startswith("data: {"):
            for choice in json.loads(data)["choices"]:
                yield choice["delta"].get("content") or ""


def _asked(stand_in: str) -> Json:
    asked: Json = httpx.get(f"{stand_in}/control/model/calls", timeout=30).json()
    return asked


def _set_mode(stand_in: str, mode: str) -> None:
    pace = {"first_seconds": FIRST_SECONDS, "seconds": BETWEEN_SECONDS}
    httpx.post(f"{stand_in}/control/model", json={"mode": mode, **pace}).raise_for_status()


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="What the service adds to the model's time.")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="times each question is asked")
    return parser.parse_args()


if __name__ == "__main__":
    main()
