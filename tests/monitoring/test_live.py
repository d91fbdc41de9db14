"""A real Prometheus on a service under load: every rule evaluates, every query returns data."""

import re
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import httpx
import pytest
from langgraph_sdk import get_sync_client

from api.app import create_app
from api.monitor import Watched, monitoring
from graph.settings import Settings
from monitoring.grafana.boards import DASHBOARDS
from monitoring.prometheus.rules import rules
from tests.conftest import Served, customer, headers_of
from tests.monitoring.programs import found
from tests.monitoring.queries import LATER, SELDOM, names_in

SAID = (
    "what do I owe?",
    "what is your delivery fee?",
    "please send 2 cartons of the 12oz cups tomorrow",
    "my order was damaged, I want to talk to somebody",
)
READS = "150"  # a minute; all of one address have five times that
SLOWEST_SCRAPE = 1.0  # seconds
NEEDED = (
    "prometheus",
    *(f"prometheus-{n}-exporter" for n in ("node", "postgres", "redis", "blackbox")),
)


class Asked:
    """Prometheus, asked for one thing after the other."""

    def __init__(self, address: str, alertmanager: str) -> None:
        self._http = httpx.Client(base_url=f"http://{address}/api/v1", timeout=30)
        self.alertmanager = alertmanager

    def close(self) -> None:
        """Nothing is asked any more."""
        self._http.close()

    def data(self, path: str, **params: str) -> Any:
        """What it answers; a query that it does not understand fails."""
        answer = self._http.get(path, params=params).json()
        assert answer["status"] == "success", (answer, params)
        return answer["data"]

    def query(self, expr: str) -> list[dict[str, Any]]:
        """The series that a panel would show."""
        found_there: list[dict[str, Any]]
        asked = expr.replace("$__rate_interval", "20s")
        found_there = self.data("query", query=asked)["result"]
        return found_there

    def names(self) -> set[str]:
        """Every metric that was scraped."""
        return set(self.data("label/__name__/values"))


def talk(url: str, stop: threading.Event) -> None:
    """Customers who write until it is enough; one has no key, one asks too often."""
    with get_sync_client(url=url, api_key=None, headers=headers_of(customer())) as sdk:
        while not stop.is_set():
            thread = "none"
            with suppress(httpx.HTTPError):  # on a quick machine they are refused as well
                thread = sdk.threads.create()["thread_id"]
            for text in SAID:
                turn: dict[str, Any] = {"messages": [{"role": "user", "content": text}]}
                with suppress(httpx.HTTPError):
                    for _ in sdk.runs.stream(thread, "tria", input=turn):
                        pass
            httpx.get(f"{url}/threads/{thread}", headers={"Authorization": "Bearer nobody"})
            ask_until_refused(url)


def ask_until_refused(url: str) -> None:
    """One request too many."""
    with httpx.Client(headers=headers_of(customer(2)), timeout=30) as greedy:
        for _ in range(int(READS) + 1):
            if greedy.get(f"{url}/assistants/tria").status_code == httpx.codes.TOO_MANY_REQUESTS:
                return


@pytest.fixture(scope="module")
def service(environment: dict[str, str], service_url: str) -> Iterator[dict[str, str]]:
    """A service with a model, which finds the policies indexed by the one that runs already."""
    model = f"{environment['XERO_API_URL'].removesuffix('/xero')}/openai/v1"
    own = {
        "REDIS_URL": f"{environment['REDIS_URL'].rsplit('/', 1)[0]}/9",
        "TRIA_USER_READS": READS,
        "OPENAI_API_KEY": "a key",
        "OPENAI_BASE_URL": model,
    }
    values = environment | own
    with Served(
        create_app(Settings.model_validate({k.lower(): v for k, v in values.items()}))
    ) as s:
        yield values | {"address": s.url}


@pytest.fixture(scope="module")
def prometheus(
    service: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Asked]:
    """Everything of `make monitor` beside it, while customers write."""
    for name in NEEDED:
        found(name)
    enough = threading.Event()
    talking = threading.Thread(target=talk, args=(service["address"], enough), daemon=True)
    talking.start()
    watched = Watched(
        tmp_path_factory.mktemp("monitoring"),
        service["address"].removeprefix("http://"),
        service["DATABASE_URL"],
        service["REDIS_URL"],
        seconds=1,
    )
    try:
        with monitoring(watched) as (targets, _):
            asked = Asked(targets.prometheus, targets.alertmanager)
            yield asked
            asked.close()
    finally:
        enough.set()
        talking.join(30)


def until_complete(missing: Any, seconds: float = 75) -> Any:
    """What is still missing when it stops getting less, at the latest after so long."""
    end = time.monotonic() + seconds
    while (left := missing()) and time.monotonic() < end:
        time.sleep(1)
    return left


def test_every_target_is_scraped(prometheus: Asked) -> None:
    def away() -> set[str]:
        targets = prometheus.data("targets")["activeTargets"]
        jobs = {target["labels"]["job"] for target in targets if target["health"] == "up"}
        return {"tria", "postgres", "redis", "node", "blackbox", "prometheus"} - jobs

    assert not until_complete(away)


def test_every_query_returns_data(prometheus: Asked) -> None:
    queries = [
        (f"{dashboard.uid}: {panel.title}", query)
        for dashboard in DASHBOARDS
        for panel in dashboard.panels
        for query in panel.queries
    ]
    due = [(place, q) for place, q in queries if not names_in(q.expr) & (LATER | SELDOM.keys())]
    print(f"{len(queries)} queries, {len(due)} of them must return data")

    def empty() -> dict[str, str]:
        return {place: q.expr for place, q in due if not prometheus.query(q.expr)}

    assert not until_complete(empty)
    for place, query in due:
        for label in re.findall(r"\{\{(\w+)\}\}", query.legend):
            assert all(label in s["metric"] for s in prometheus.query(query.expr)), place


def test_what_cannot_return_data_yet_is_understood(prometheus: Asked) -> None:
    for dashboard in DASHBOARDS:
        for panel in dashboard.panels:
            for query in panel.queries:
                prometheus.query(query.expr)


def test_every_metric_that_a_rule_reads_is_scraped(prometheus: Asked) -> None:
    read = {n for g in rules()["groups"] for r in g["rules"] for n in names_in(r["expr"])}
    allowed = LATER | SELDOM.keys() | {"tria_sign_in_refused_total"}

    def missing() -> set[str]:
        scraped = prometheus.names()
        return {n for n in read - allowed if not scraped & {n, f"{n}_count", f"{n}_bucket"}}

    assert not until_complete(missing)


def test_what_is_expected_later_is_not_there_yet(prometheus: Asked) -> None:
    print(f"{len(LATER)} metrics are still to come: {', '.join(sorted(LATER))}")
    scraped = prometheus.names()
    there = {n for n in LATER if scraped & {n, f"{n}_count", f"{n}_bucket"}}
    assert not there, f"take them out of LATER in tests/monitoring/queries.py: {there}"


def test_every_rule_evaluates_and_the_watchdog_arrives(prometheus: Asked) -> None:
    def unhealthy() -> list[str]:
        groups = prometheus.data("rules")["groups"]
        return [r["name"] for g in groups for r in g["rules"] if r["health"] != "ok"]

    assert not until_complete(unhealthy)
    if not prometheus.alertmanager:
        pytest.skip("Alertmanager is not installed: apt-get install prometheus-alertmanager")

    def not_told() -> bool:
        told = httpx.get(f"http://{prometheus.alertmanager}/api/v2/alerts").json()
        return "Watchdog" not in {alert["labels"]["alertname"] for alert in told}

    assert not until_complete(not_told)


def test_a_service_that_is_well_gets_nobody_up(prometheus: Asked) -> None:
    firing = prometheus.query('ALERTS{alertstate="firing",severity="page"}')
    assert not [alert["metric"]["alertname"] for alert in firing]
    pending = prometheus.query("group by (alertname, alertstate) (ALERTS)")
    print([f"{a['metric']['alertname']} {a['metric']['alertstate']}" for a in pending])


def test_a_scrape_is_quick(prometheus: Asked) -> None:
    [series] = prometheus.query('max(scrape_samples_scraped{job="tria"})')
    [seconds] = prometheus.query('avg(avg_over_time(scrape_duration_seconds{job="tria"}[1m]))')
    print(f"{series['value'][1]} series in {float(seconds['value'][1]) * 1000:.0f} ms")
    assert float(seconds["value"][1]) < SLOWEST_SCRAPE
    worst = 'topk(1, count by (__name__) ({job="tria"}))'
    print(f"most series: {prometheus.query(worst)}")
