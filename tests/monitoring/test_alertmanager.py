"""Alertmanager: its configuration, who hears of what, and that they really do."""

import json
import re
import signal
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import httpx
import pytest

from graph.clients import now
from monitoring.alertmanager.config import FOLLOWS, SECRETS, Delivery, Timing, alertmanager
from monitoring.files import as_yaml
from monitoring.prometheus.alert import Severity
from monitoring.prometheus.rules import alerts
from tests.monitoring.programs import ROOT, found, run
from tests.monitoring.standins import Received, standing_in
from tools.embedded.process import free_port, spawn, stop, wait_until

FOLDER = ROOT / "monitoring" / "alertmanager"
CONFIG = str(FOLDER / "alertmanager.yml")
SECRET = {name: f"the-{name}" for name in SECRETS}
QUICK = Timing("1s", "1s", "2s", "1h", "1h", "2s")


def test_amtool_finds_nothing_wrong() -> None:
    checked = run("amtool", "check-config", CONFIG)
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert "templates" in checked.stdout


@pytest.mark.parametrize(
    ("labels", "receiver"),
    [
        ({"severity": "page", "group": "database"}, "page"),
        ({"severity": "page", "group": "business"}, "page"),
        ({"severity": "ticket", "group": "cache"}, "ticket"),
        ({"severity": "ticket", "group": "business"}, "money"),
        ({"severity": "deadman", "group": "monitoring"}, "deadman"),
        ({"severity": "misspelt"}, "ticket"),
        ({}, "ticket"),
    ],
)
def test_who_hears(labels: dict[str, str], receiver: str) -> None:
    told = [f"{name}={value}" for name, value in labels.items()]
    routed = run(
        *("amtool", "config", "routes", "test", f"--config.file={CONFIG}"),
        *(f"--verify.receivers={receiver}", *told),
    )
    assert routed.returncode == 0, routed.stdout + routed.stderr


def test_no_secret_stands_in_the_configuration() -> None:
    text = (FOLDER / "alertmanager.yml").read_text()
    names = r"^\s*(?:- )?(\S*(?:key|password|token|credentials|api_url)\S*):"
    keys = re.findall(names, text, re.MULTILINE)
    assert keys
    assert all(key.endswith("_file") for key in keys), keys


def test_causes_and_effects_are_alerts() -> None:
    names = {alert.name for alert in alerts()}
    for cause, effects in FOLLOWS.items():
        assert cause in names
        for effect in effects.split("|"):
            matched = {name for name in names if re.fullmatch(effect, name)}
            assert matched, effect
            assert cause not in matched


@pytest.fixture(scope="module")
def received() -> Iterator[Received]:
    with standing_in() as found_there:
        yield found_there


@pytest.fixture(scope="module")
def address(received: Received, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A real Alertmanager that knows the stand-ins only."""
    folder = tmp_path_factory.mktemp("alertmanager")
    at = f"http://127.0.0.1:{received.http_port}"
    for name, secret in (SECRET | {"slack_url": f"{at}/slack"}).items():
        (folder / name).write_text(secret)
    delivery = Delivery(
        addresses={
            "mail": {
                "smarthost": f"127.0.0.1:{received.smtp_port}",
                "from": "alerts@tria.example",
                "user": "alerts",
                "tickets": "operations@tria.example",
                "money": "owner@tria.example",
                "encrypted": False,
            },
            "slack": {"page": "#incidents", "tickets": "#operations"},
            "pagerduty": {"url": f"{at}/pagerduty"},
            "deadman": {"url": f"{at}/deadman"},
        },
        secrets=str(folder),
        templates=str(FOLDER / "templates" / "*.tmpl"),
        timing=QUICK,
    )
    (folder / "alertmanager.yml").write_text(as_yaml(alertmanager(delivery)))
    url = f"http://127.0.0.1:{free_port()}"
    process = spawn(
        [
            found("prometheus-alertmanager"),
            f"--config.file={folder / 'alertmanager.yml'}",
            f"--storage.path={folder}",
            f"--web.listen-address={url.removeprefix('http://')}",
            "--cluster.listen-address=",
        ],
        folder / "log",
        signal.SIGTERM,
    )
    try:
        wait_until(lambda: _answers(f"{url}/-/ready"), 30, "Alertmanager did not start")
        yield url
    finally:
        stop(process, signal.SIGTERM)


def _answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=1).is_success
    except httpx.TransportError:
        return False


def _fire(address: str, *names: str, over: datetime | None = None) -> None:
    """Hand alerts in as Prometheus does."""
    known = {alert.name: alert.rule() for alert in alerts()}
    told = []
    for name in names:
        rule = known[name]
        labels, annotations = rule["labels"], rule["annotations"]
        assert isinstance(labels, dict)
        one = {"labels": labels | {"alertname": name}, "annotations": annotations}
        told.append(one | ({"endsAt": over.isoformat()} if over else {}))
    httpx.post(f"{address}/api/v2/alerts", json=told, timeout=5).raise_for_status()


def test_a_page_reaches_the_pager_and_the_channel_and_says_when_it_is_over(
    address: str, received: Received
) -> None:
    _fire(address, "WritesDoubled", "ForeignDocument")
    assert received.wait_for(lambda r: bool(r.to("/pagerduty")) and bool(r.to("/slack")))
    pager = received.to("/pagerduty")[0].body
    assert pager["routing_key"] == SECRET["pagerduty_key"]
    assert pager["event_action"] == "trigger"
    # Both are of one group: one call, not two.
    assert "ForeignDocument" in pager["payload"]["summary"]
    assert "WritesDoubled" in pager["payload"]["summary"]
    assert "docs/runbook.md#doubled-writes" in json.dumps(pager)
    slack = received.to("/slack")[0].body
    assert slack["channel"] == "#incidents"
    assert slack["attachments"][0]["title"].startswith("[page] ")
    assert not received.mails
    _fire(address, "WritesDoubled", "ForeignDocument", over=now() - timedelta(seconds=1))
    assert received.wait_for(
        lambda r: any(post.body["event_action"] == "resolve" for post in r.to("/pagerduty"))
    )


def test_a_ticket_reaches_the_channel_and_the_mailbox(address: str, received: Received) -> None:
    _fire(address, "RedisEvicting", "ModelCostRunaway")
    assert received.wait_for(lambda r: len(r.mails) == 2)
    operations = next(mail for mail in received.mails if "operations@tria.example" in mail)
    owner = next(mail for mail in received.mails if "owner@tria.example" in mail)
    assert "Subject: [ticket] RedisEvicting" in operations
    assert "docs/runbook.md#cache" in operations
    assert "ModelCostRunaway" in owner
    assert "ModelCostRunaway" not in operations
    assert set(received.passwords) == {SECRET["smtp_password"]}
    channels = {post.body["channel"] for post in received.to("/slack")}
    assert "#operations" in channels


def test_the_watch_hears_again_and_again(address: str, received: Received) -> None:
    _fire(address, "Watchdog")
    assert received.wait_for(lambda r: len(r.to("/deadman")) >= 2)
    assert received.to("/deadman")[0].authorization == f"Bearer {SECRET['deadman_token']}"


def test_what_follows_from_a_known_cause_is_not_told(address: str, received: Received) -> None:
    _fire(address, "PostgresDown")
    assert received.wait_for(lambda r: "PostgresDown" in str(r.to("/pagerduty")))
    _fire(address, "PoolExhausted", "ApiErrorsBurnFast", "XeroDisconnected")
    assert received.wait_for(lambda r: "XeroDisconnected" in str(r.to("/pagerduty")))
    told = str(received.posts)
    assert "PoolExhausted" not in told
    assert "ApiErrorsBurnFast" not in told


def test_every_severity_has_a_route_of_its_own() -> None:
    severities: set[Severity] = {alert.severity for alert in alerts()}
    text = Path(CONFIG).read_text()
    assert all(f'severity="{severity}"' in text for severity in severities)
