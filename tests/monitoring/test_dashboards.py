"""Dashboards: what the linter of Grafana asks for, and only metrics that somebody sets."""

import json
import re
from typing import Any

import pytest
from prometheus_client import REGISTRY

import monitoring.genai
import monitoring.metrics  # noqa: F401 (registers them)
from evals.reports.textfile import NAMES as EVAL_NAMES
from monitoring.grafana.boards import DASHBOARDS
from monitoring.prometheus.rules import rules
from tests.monitoring.programs import ROOT
from tests.monitoring.queries import LATER, OF_BACKUPS, names_in

FILES = sorted((ROOT / "monitoring" / "grafana" / "dashboards").glob("*.json"))
SOURCE = {"type": "prometheus", "uid": "${datasource}"}
UNITS = {"short", "s", "reqps", "percentunit", "bytes", "currencyUSD", "ops", "none"}
UNITS |= {"dateTimeFromNow"}


def read(file: Any) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(file.read_text())
    return found


def known() -> set[str]:
    """Every metric of the service, as queries name it."""
    found = set()
    for metric in REGISTRY.collect():
        ending = "_total" if metric.type == "counter" else ""
        found.add(metric.name + ending)
    return found


def used() -> dict[str, str]:
    """Every metric that is read, and where."""
    places: dict[str, str] = {}
    for group in rules()["groups"]:
        for rule in group["rules"]:
            for name in names_in(rule["expr"]):
                places[name] = rule.get("alert") or rule["record"]
    for dashboard in DASHBOARDS:
        for panel in dashboard.panels:
            for query in panel.queries:
                for name in names_in(query.expr):
                    places[name] = f"{dashboard.uid}: {panel.title}"
    return places


def test_every_dashboard_is_committed_and_has_an_address_of_its_own() -> None:
    uids = [dashboard.uid for dashboard in DASHBOARDS]
    assert len(uids) == len(set(uids)) == 6
    assert {file.stem for file in FILES} == set(uids)


@pytest.mark.parametrize("file", FILES, ids=lambda f: f.stem)
def test_a_dashboard_is_sound(file: Any) -> None:
    board = read(file)
    assert board["uid"] == file.stem
    assert board["description"].endswith(".")
    assert [v["type"] for v in board["templating"]["list"]] == ["datasource"]
    ids = [panel["id"] for panel in board["panels"]]
    places = [(p["gridPos"]["x"], p["gridPos"]["y"]) for p in board["panels"]]
    titles = [panel["title"] for panel in board["panels"]]
    for unique in (ids, places, titles):
        assert len(unique) == len(set(unique))


@pytest.mark.parametrize("file", FILES, ids=lambda f: f.stem)
def test_a_panel_is_sound(file: Any) -> None:
    for panel in read(file)["panels"]:
        title = panel["title"]
        assert panel["datasource"] == SOURCE, title
        assert panel["description"].endswith("."), title
        assert panel["fieldConfig"]["defaults"]["unit"] in UNITS, title
        assert panel["targets"], title
        for target in panel["targets"]:
            assert target["datasource"] == SOURCE, title
            assert target["legendFormat"], title
            counters = re.findall(r"\w+_(?:total|bucket|seconds_count|sum)\b", target["expr"])
            assert not counters or re.search(r"\b(rate|increase)\(", target["expr"]), title
            for window in re.findall(r"rate\([^\[]*\[([^\]]*)\]", target["expr"]):
                assert window == "$__rate_interval", title


def test_what_is_read_is_set_somewhere() -> None:
    ours = {n: place for n, place in used().items() if n.startswith(("tria_", "gen_ai_"))}
    there = known() | EVAL_NAMES | OF_BACKUPS | LATER
    missing = {name: place for name, place in ours.items() if name not in there}
    assert not missing
    idle = LATER - ours.keys()
    assert not idle, f"nothing reads them: take them out of LATER: {idle}"


def test_backups_write_what_is_read_of_them() -> None:
    sources = [file for file in (ROOT / "deploy" / "backup").rglob("*") if file.is_file()]
    written = "".join(file.read_text() for file in sources if file.suffix in (".py", ".sh"))
    assert not [name for name in OF_BACKUPS if name not in written]
