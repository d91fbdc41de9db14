"""The level of the logs is set for all replicas, always with an end, and it is known by whom."""

from collections.abc import Iterator
from typing import Any

import httpx
import psycopg
import pytest
import structlog

from tests.api.conftest import Serve, staff_client
from tests.waiting import wait_until

AGENT, SUPERVISOR, ADMIN = 0, 1, 2


@pytest.fixture(autouse=True)
def logging_as_before() -> Iterator[None]:
    yield
    structlog.reset_defaults()


def shown(url: str) -> Any:
    return httpx.get(f"{url}/health").json()["log_level"]


def trail(database: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(database) as connection:
        query = "select actor, event, detail from audit where subject = 'log_level' order by at"
        return connection.execute(query).fetchall()


def test_an_admin_sets_it_for_all_replicas_and_it_is_written_down(
    serve: Serve, own_database: str
) -> None:
    url, other = serve(), serve()
    with staff_client(url, ADMIN) as admin:
        body = {"level": "debug", "minutes": 5}
        answer = admin.put("/admin/log-level", json=body)
        assert (answer.status_code, answer.json()["level"]) == (200, "debug")
        assert shown(url)["level"] == "debug"  # here at once
        wait_until(lambda: (shown(other) or {}).get("level") == "debug")
        assert admin.get("/admin/log-level").json() == answer.json()
        assert answer.json()["set_by"] in {row[0] for row in trail(own_database)}
        assert trail(own_database)[-1][1:] == ("log_level.set", body)
        assert admin.delete("/admin/log-level").status_code == 204
        assert shown(url) is None
        wait_until(lambda: shown(other) is None)
        assert trail(own_database)[-1][1] == "log_level.ended"
        assert admin.get("/admin/log-level").json()["level"] == "info"


def test_it_ends_by_itself(serve: Serve, own_database: str) -> None:
    url = serve()
    with staff_client(url, ADMIN) as admin, psycopg.connect(own_database) as connection:
        admin.put("/admin/log-level", json={"level": "error", "minutes": 1}).raise_for_status()
        connection.execute("update log_level set until = now() + interval '3 seconds'")
        connection.commit()
        assert shown(url)["level"] == "error"
        wait_until(lambda: shown(url) is None)
        assert admin.get("/admin/log-level").json()["until"] is None


@pytest.mark.parametrize("who", [AGENT, SUPERVISOR])
def test_nobody_else_may(service_url: str, who: int) -> None:
    with staff_client(service_url, who) as staff:
        assert staff.put("/admin/log-level", json={"level": "debug"}).status_code == 403
        assert staff.get("/admin/log-level").json()["level"] == "info"


@pytest.mark.parametrize(
    "body",
    [
        {"level": "trace"},
        {"level": "debug", "minutes": 0},
        {"level": "debug", "minutes": 24 * 60 + 1},
        {"minutes": 5},
    ],
)
def test_there_is_no_level_without_an_end(service_url: str, body: dict[str, Any]) -> None:
    with staff_client(service_url, ADMIN) as admin:
        assert admin.put("/admin/log-level", json=body).status_code == 422
