"""Writes what Prometheus, Alertmanager and Grafana read: `python -m monitoring.files`."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from monitoring.alertmanager.config import SECRETS, Delivery, addresses, alertmanager
from monitoring.grafana.boards import DASHBOARDS
from monitoring.grafana.panel import as_json
from monitoring.prometheus.rules import rules
from monitoring.prometheus.scraping import BLACKBOX, IN_CONTAINERS, prometheus

FOLDER = Path(__file__).parent
NOTE = "# Written by python -m monitoring.files; a test fails when it differs.\n"


def as_yaml(content: Mapping[str, Any]) -> str:
    """A configuration as it is committed."""
    return NOTE + yaml.safe_dump(content, sort_keys=False, width=100)


def generated() -> dict[Path, str]:
    """Every file with its contents."""
    told = addresses()
    delivery = Delivery(told, present=told.get("secrets", SECRETS))
    configurations = {
        "prometheus/rules.yml": rules(),
        "prometheus/prometheus.yml": prometheus(IN_CONTAINERS),
        "prometheus/blackbox.yml": BLACKBOX,
        "alertmanager/alertmanager.yml": alertmanager(delivery),
    }
    dashboards = {
        f"grafana/dashboards/{dashboard.uid}.json": json.dumps(as_json(dashboard), indent=2) + "\n"
        for dashboard in DASHBOARDS
    }
    texts = {name: as_yaml(content) for name, content in configurations.items()} | dashboards
    return {FOLDER / name: text for name, text in texts.items()}


def main() -> None:
    """Write them all."""
    for file, content in generated().items():
        file.parent.mkdir(exist_ok=True)
        file.write_text(content, "utf-8")


if __name__ == "__main__":
    main()
