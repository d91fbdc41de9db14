"""The containers of the monitoring: what Prometheus scrapes is there, and so is what they mount."""

from dataclasses import asdict
from typing import Any

import pytest
import yaml

from monitoring.prometheus.scraping import IN_CONTAINERS, PARTS, Targets, prometheus
from tests.monitoring.programs import ROOT, run

SERVICES: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
WATCHED = {n: s for n, s in SERVICES.items() if "watch" in s.get("networks", ())}
NAMES = {*WATCHED, *WATCHED["service-a"]["networks"]["watch"]["aliases"]}


def test_promtool_finds_nothing_wrong_with_what_is_scraped() -> None:
    file = ROOT / "monitoring" / "prometheus" / "prometheus.yml"
    checked = run("promtool", "check", "config", str(file))
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_the_probes_are_understood() -> None:
    file = ROOT / "monitoring" / "prometheus" / "blackbox.yml"
    checked = run("prometheus-blackbox-exporter", "--config.check", f"--config.file={file}")
    assert checked.returncode == 0, checked.stdout + checked.stderr


@pytest.mark.parametrize("name", [*PARTS, "blackbox", "replicas"])
def test_what_is_scraped_is_there(name: str) -> None:
    host = asdict(IN_CONTAINERS)[name].split(":")[0]
    assert host in NAMES or (name, host) == ("prometheus", "localhost")


def test_what_is_mounted_is_there() -> None:
    mounted = [
        volume.split(":")[0]
        for service in SERVICES.values()
        for volume in service.get("volumes", [])
        if volume.startswith("./monitoring")
    ]
    assert len(mounted) >= 5
    assert all((ROOT / path).exists() for path in mounted)


def test_nothing_of_it_is_reached_from_elsewhere() -> None:
    ports = [port for service in WATCHED.values() for port in service.get("ports", [])]
    assert all(port.startswith("127.0.0.1:") for port in ports)


def test_a_closed_page_of_metrics_is_opened_by_a_key_in_a_file() -> None:
    [job] = prometheus(Targets(service=("a:8003",), key="/run/secrets/key"))["scrape_configs"]
    assert job["authorization"] == {"type": "Bearer", "credentials_file": "/run/secrets/key"}
