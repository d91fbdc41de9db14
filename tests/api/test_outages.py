"""What still works while a part is away, and what /health says about it."""

from pathlib import Path
from typing import Any

import httpx
import pytest

from api.app import create_app
from graph.settings import Settings
from tests.conftest import Served, customer, headers_of

NOBODY = "127.0.0.1:1"


def serve(environment: dict[str, str], folder: Path, **changed: str) -> Served:
    (folder / "minilm").symlink_to(Path(environment["TRIA_DATA"]) / "minilm")
    values = environment | {"TRIA_DATA": str(folder)} | changed
    return Served(create_app(Settings.model_validate({k.lower(): v for k, v in values.items()})))


def say(url: str, text: str) -> dict[str, Any]:
    with httpx.Client(base_url=url, headers=headers_of(customer()), timeout=60) as client:
        thread = client.post("/threads", json={}).json()["thread_id"]
        body = {"assistant_id": "tria", "input": {"messages": [{"role": "user", "content": text}]}}
        streamed = client.post(f"/threads/{thread}/runs/stream", json=body).text
        values: dict[str, Any] = client.get(f"/threads/{thread}/state").json()["values"]
        assert values["messages"][-1]["content"].splitlines()[0] in streamed
        return values


def health(url: str) -> dict[str, Any]:
    answer: dict[str, Any] = httpx.get(f"{url}/health").json()
    return answer


def test_without_redis_clients_still_get_their_answers(
    environment: dict[str, str], tmp_path: Path
) -> None:
    with serve(environment, tmp_path, REDIS_URL=f"redis://{NOBODY}/0") as service:
        values = say(service.url, "what do I owe?")
        assert "You owe SGD" in values["messages"][-1]["content"]
        found = health(service.url)
        assert (found["status"], found["parts"]["redis"]["status"]) == ("warn", "fail")
        assert httpx.get(f"{service.url}/health/ready").status_code == 200


def test_without_chroma_accounts_still_work_and_policies_are_declined(
    environment: dict[str, str], tmp_path: Path
) -> None:
    with serve(environment, tmp_path, CHROMA_URL=f"http://{NOBODY}") as service:
        assert "You owe SGD" in say(service.url, "what do I owe?")["messages"][-1]["content"]
        text = say(service.url, "which days do you deliver?")["messages"][-1]["content"]
        assert "can't check our policies" in text
        assert health(service.url)["parts"]["chroma"]["status"] == "fail"


def test_without_xero_policies_still_work_and_accounts_are_declined(
    environment: dict[str, str], tmp_path: Path
) -> None:
    with serve(environment, tmp_path, XERO_API_URL=f"http://{NOBODY}") as service:
        assert (
            "Thursday" in say(service.url, "which days do you deliver?")["messages"][-1]["content"]
        )
        text = say(service.url, "what do I owe?")["messages"][-1]["content"]
        assert "accounts system isn't answering" in text


@pytest.mark.parametrize("path", ["/health/live", "/health/ready", "/health", "/metrics"])
def test_health_and_metrics_need_no_sign_in_and_show_no_secret(
    service_url: str, environment: dict[str, str], path: str
) -> None:
    answer = httpx.get(service_url + path)
    assert answer.status_code == 200
    for name in ("DATABASE_URL", "REDIS_URL", "TRIA_SECRET", "XERO_CLIENT_SECRET"):
        assert environment[name] not in answer.text
