"""`python -m api.smoke`: ask the process of the service on this machine, as a customer would.

What a release plays before the proxy sends anybody to a process. The customer is nobody's: it has
no documents and no conversation, and what it asks is gone once it is answered. Ends with 0 when
every question was answered in time.
"""

import argparse
import json
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid5

import httpx

from api.tokens import CUSTOMERS, signed
from graph.settings import Settings, read_settings
from tools.errors import SettingsInvalid

# No sign-in gives anybody this id, and no contact in Xero has this one.
CUSTOMER = "tria-smoke"
CONTACT = uuid5(UUID(int=0), "tria:smoke")
CLAIMS = {
    "sub": CUSTOMER,
    "name": "Smoke Test",
    "company": "Smoke Test",
    "contact_ids": [str(CONTACT)],
    "roles": ["accounts"],
}
# A rule comes out of the policies, a balance out of Xero.
QUESTIONS = ("which days do you deliver?", "what do I owe?")
UNAVAILABLE = "ask me again"  # so ends what is said where the one or the other is away
SECONDS = 20.0


class NotAnswered(Exception):
    """A question came to something else than an answer."""


def main() -> int:
    """Ask, and say how long each first word took."""
    parser = argparse.ArgumentParser(description="Ask the service on this machine two questions.")
    parser.add_argument("--url", help="where it answers; without it on the port of the settings")
    chosen = parser.parse_args()
    try:
        settings = read_settings()
        with _client(settings, chosen.url) as client:
            for question in QUESTIONS:
                seconds = _asked(client, question)
                sys.stdout.write(f"{seconds:.2f} s to the first words: {question}\n")
    except (SettingsInvalid, httpx.HTTPError, NotAnswered) as error:
        sys.stderr.write(f"{type(error).__name__}: {error}\n")
        return 1
    return 0


def _client(settings: Settings, url: str | None) -> httpx.Client:
    at = datetime.now(UTC)  # noqa: TID251 (this is the clock of a terminal)
    token = signed(settings.tria_secret.get_secret_value(), CUSTOMERS, CLAIMS, at)
    return httpx.Client(
        base_url=url or f"http://127.0.0.1:{settings.tria_port}",
        headers={"Authorization": f"Bearer {token}"},
        timeout=SECONDS,
        trust_env=False,
    )


def _asked(client: httpx.Client, question: str) -> float:
    """Seconds to the first words of the answer; raises NotAnswered where there is none."""
    body = {
        "assistant_id": "tria",
        "input": {"messages": [{"role": "user", "content": question}]},
        "stream_mode": ["messages-tuple", "values"],
    }
    started, first, said = time.monotonic(), 0.0, ""
    with client.stream("POST", "/runs/stream", json=body) as answer:
        if answer.status_code != httpx.codes.OK:
            raise NotAnswered(f"{answer.status_code} to {question!r}")
        for event, data in _events(answer, started + SECONDS):
            if event == "error":
                raise NotAnswered(f"an error to {question!r}: {data}")
            if event == "messages" and not first:
                first = time.monotonic() - started
            if event == "values" and (messages := data.get("messages")):
                said = messages[-1]["content"] if messages[-1]["type"] == "ai" else ""
    if not (first and said) or UNAVAILABLE in said:
        raise NotAnswered(f"no answer to {question!r}")
    return first


def _events(answer: httpx.Response, end: float) -> Iterator[tuple[str, Any]]:
    event = ""
    for line in answer.iter_lines():
        if time.monotonic() > end:  # heartbeats would keep it open
            raise NotAnswered(f"no end within {SECONDS:.0f} s")
        if line.startswith("event: "):
            event = line.removeprefix("event: ")
        elif line.startswith("data: "):
            yield event, json.loads(line.removeprefix("data: "))


if __name__ == "__main__":
    sys.exit(main())
