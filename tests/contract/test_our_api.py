"""Our own API held to its description, by Schemathesis: no error of ours, nothing undescribed."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest

from api.app import create_app
from graph.settings import Settings
from tests.api.conftest import colleague, staff_headers
from tests.conftest import Served, customer, headers_of
from tests.contract import schemathesis

# Streams that stay open while nothing happens have tests of their own.
OPEN_ENDED = "/stream"


@pytest.fixture(scope="module")
def url(settings: Settings) -> Iterator[str]:
    """A service without limits, with the demo's sign-in."""
    unlimited = dict.fromkeys(
        ("tria_user_reads", "tria_user_turns", "tria_service_reads", "tria_service_turns"), 0
    )
    with Served(create_app(settings.model_copy(update=unlimited | {"tria_demo": True}))) as served:
        yield served.url


@pytest.fixture(scope="module")
def description(url: str) -> dict[str, Any]:
    found: dict[str, Any] = httpx.get(f"{url}/openapi.json").raise_for_status().json()
    return found


def of(description: dict[str, Any], *, staff: bool) -> dict[str, Any]:
    """The part that customers, or staff, may call."""
    paths: dict[str, Any] = {}
    for path, operations in description["paths"].items():
        if path.startswith("/admin") == staff and OPEN_ENDED not in path:
            offered = {m: o for m, o in operations.items() if "501" not in o["responses"]}
            paths |= {path: offered} if offered else {}
    return description | {"paths": paths}


def a_thread(url: str) -> dict[str, str]:
    """A conversation with an answered question, and its run."""
    with httpx.Client(base_url=url, headers=headers_of(customer()), timeout=30) as client:
        thread = client.post("/threads", json={}).json()["thread_id"]
        message = {"role": "user", "content": "what do I owe?"}
        body = {"assistant_id": "tria", "input": {"messages": [message]}}
        run = client.post(f"/threads/{thread}/runs", json=body).json()["run_id"]
        client.get(f"/threads/{thread}/runs/{run}/join")
    return {"thread_id": thread, "run_id": run}


@pytest.mark.parametrize("who", ["customer", "staff"])
def test_every_answer_is_described_and_none_is_an_error_of_ours(
    url: str, description: dict[str, Any], tmp_path: Path, who: str
) -> None:
    is_staff = who == "staff"
    sign_in = staff_headers(colleague(-1)) if is_staff else headers_of(customer())
    known = [f'"path.{name}" = "{value}"' for name, value in a_thread(url).items()]
    asked = of(description, staff=is_staff)
    (tmp_path / "description.json").write_text(json.dumps(asked), "utf-8")
    (tmp_path / "schemathesis.toml").write_text(
        "\n".join(
            [
                f'headers = {{ Authorization = "{sign_in["Authorization"]}" }}',
                "warnings = false",
                "[parameters]",
                *known,
                "[phases.coverage]",
                "unexpected-methods = []",
            ]
        ),
        "utf-8",
    )
    outcome = schemathesis.run(
        schemathesis.install(),
        tmp_path,
        url,
        *("--mode", "all", "--phases", "examples,coverage,fuzzing"),
        *("--max-examples", "5"),
    )
    operations = {
        f"{method.upper()} {path}" for path, found in asked["paths"].items() for method in found
    }
    assert outcome.passed, outcome.printed[-8000:]
    assert operations <= outcome.asked


def test_what_is_not_offered_says_so(url: str, description: dict[str, Any]) -> None:
    with httpx.Client(base_url=url, headers=headers_of(customer())) as client:
        for path, operations in description["paths"].items():
            for method in (m for m, o in operations.items() if "501" in o["responses"]):
                asked = re.sub(r"{\w+}", str(uuid4()), path)
                answer = client.request(method.upper(), asked, json={})
                assert (answer.status_code, answer.json()["status"]) == (501, 501), asked
