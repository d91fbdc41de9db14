"""`make bench-tokens`: what a turn sends to the model, by what is asked and by part, and its price.

A real service talks to the stand-in through a recorder, each question as the third turn of a
conversation of its own. Tokens are counted as the budget does, from bytes and rather too high
(`tools/model/usage.py`). A service keeps what a prompt begins with from 1,024 tokens on: `cached`
is the share of a prompt that the last one of its kind began with.
"""

import json
import re
import statistics
import threading
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
from typing_extensions import override

from evals.bench.turn.served import running_side
from evals.lanes.tree import ROOT, Tree
from graph.settings import Settings
from tools.model.usage import price_of, tokens_of

CUSTOMER = "forno-rosso"
BEFORE = ("hello", "which days do you deliver?")
ASKED = {
    "balance": "what do I owe?",
    "documents": "please list my open invoices",
    "policy": "what are your payment terms?",
    "computed": "how much is the fee if I cancel the day before delivery?",
    "prices": "how much is the 12 inch pizza box?",
    "orders": "is my last order delivered already?",
    "order": "5 cartons of 12 inch pizza boxes for next Friday please",
    "complaint": "my boxes came damaged and nobody calls me back",
    "two_matters": "what do I owe, and what is the minimum order?",
    "unclear": "hmm the thing from before, that other one",
    "thanks": "thank you",
}
PARTS = {name: re.compile(f"<{name}>(.*?)</{name}>", re.DOTALL) for name in ("facts", "passages")}
LEAST_CACHED = 1024
MODEL = str(Settings.model_fields["openai_model"].default)
Json = dict[str, Any]


def main() -> None:
    """Ask everything and print the figures; the last line is one JSON object."""
    with (
        _recorder() as (url, bodies),
        running_side("here", Tree(ROOT), _model(url)) as side,
        httpx.Client(
            base_url=side.service.url, headers=side.service.sign_in(CUSTOMER), timeout=60
        ) as client,
    ):
        bodies.upstream = f"{side.service.sandbox_url}/openai/v1"
        figures = {intent: _asked(client, bodies, text) for intent, text in ASKED.items()}
    for intent, found in figures.items():
        print(f"{intent}: {json.dumps(found)}")
    called = [found for found in figures.values() if found["calls"]]
    print(
        json.dumps(
            {
                "model": MODEL,
                "tokens_in_p50": statistics.median(f["tokens_in"] for f in called),
                "usd_a_turn_mean": round(statistics.mean(f["usd"] for f in figures.values()), 6),
                "turns_without_a_call": sum(not f["calls"] for f in figures.values()),
                "cached": round(statistics.mean(f["cached"] for f in called), 3),
                "by_intent": figures,
            }
        )
    )


class Recorded(list[Json]):
    """The bodies that were sent, and where they are sent on to."""

    upstream = ""


def _model(url: str) -> dict[str, str]:
    return {"OPENAI_API_KEY": "any-key", "OPENAI_BASE_URL": url, "OPENAI_MODEL": MODEL}


def _asked(client: httpx.Client, bodies: Recorded, text: str) -> Json:
    thread = client.post("/threads", json={}).json()["thread_id"]
    for said in BEFORE:
        _say(client, thread, said)
    earlier = len(bodies)
    reply = _say(client, thread, text)
    calls = bodies[earlier:]
    parts: dict[str, int] = defaultdict(int)
    for body in calls:
        for part, count in parts_of(body).items():
            parts[part] += count
    tokens_in, tokens_out = sum(parts.values()), tokens_of(reply) if calls else 0
    cached = sum(_cached(bodies, earlier + n) for n in range(len(calls)))
    cost = price_of(MODEL).cost(tokens_in, tokens_out, cached)
    return {
        "calls": len(calls),
        "tokens_in": tokens_in,
        "parts": parts,
        "tokens_out": tokens_out,
        "cached": round(cached / tokens_in, 3) if tokens_in else 0.0,
        "usd": round(float(cost), 6),
    }


def _say(client: httpx.Client, thread: str, text: str) -> str:
    body = {"assistant_id": "tria", "input": {"messages": [{"role": "user", "content": text}]}}
    answer = client.post(f"/threads/{thread}/runs/wait", json=body)
    answer.raise_for_status()
    return str(answer.json()["messages"][-1]["content"])


def parts_of(body: Json) -> dict[str, int]:
    """The tokens of a request: our words, facts, passages, what was said before, the question."""
    system, *history, question = [str(m["content"]) for m in body["messages"]]
    found = {name: " ".join(part.findall(system)) for name, part in PARTS.items()}
    for text in found.values():
        system = system.replace(text, "") if text.strip() else system
    form = json.dumps([body.get("tools"), body.get("response_format")])
    said = {"rules": system, **found, "history": " ".join(history), "question": question}
    return {name: tokens_of(text) for name, text in said.items()} | {"form": tokens_of(form)}


def _cached(bodies: Recorded, place: int) -> int:
    """The tokens that the last request of the same kind began with, where they are enough."""
    own = _written(bodies[place])
    alike = [b for b in bodies[:place] if bool(b.get("stream")) == bool(bodies[place]["stream"])]
    shared = _shared(own, _written(alike[-1])) if alike else 0
    tokens = tokens_of(own[:shared])
    return tokens if tokens >= LEAST_CACHED else 0


def _shared(one: str, other: str) -> int:
    """How many letters two texts begin with alike."""
    pairs = enumerate(zip(one, other, strict=False))
    return next((n for n, (a, b) in pairs if a != b), min(len(one), len(other)))


def _written(body: Json) -> str:
    return json.dumps([body.get("tools"), body["messages"]], ensure_ascii=False)


@contextmanager
def _recorder() -> Iterator[tuple[str, Recorded]]:
    """Passes calls on to the stand-in and keeps what they asked."""
    bodies = Recorded()

    class Passing(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            sent = self.rfile.read(int(self.headers["Content-Length"]))
            bodies.append({"stream": False} | json.loads(sent))
            headers = {"Authorization": "Bearer any-key", "Content-Type": "application/json"}
            url = f"{bodies.upstream}/chat/completions"
            answer = httpx.post(url, content=sent, headers=headers, timeout=60)
            self.send_response(answer.status_code)
            self.send_header("Content-Type", answer.headers["content-type"])
            self.send_header("Content-Length", str(len(answer.content)))
            self.end_headers()
            self.wfile.write(answer.content)

        @override
        def log_message(self, format: str, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Passing) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}", bodies
        server.shutdown()


if __name__ == "__main__":
    main()
