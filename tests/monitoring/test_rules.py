"""Rules: as generated, accepted by promtool, and each alert fires when it must and only then."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from monitoring.files import generated
from monitoring.prometheus.alert import RUNBOOK, Alert
from monitoring.prometheus.rules import alerts
from tests.monitoring.alert_cases import ALWAYS, PAIRS, STORIES, Case
from tests.monitoring.programs import ROOT, run

RULES = ROOT / "monitoring" / "prometheus" / "rules.yml"


def test_what_is_committed_is_what_is_generated() -> None:
    for file, content in generated().items():
        assert file.read_text() == content, f"run python -m monitoring.files: {file}"


def test_promtool_finds_nothing_wrong() -> None:
    checked = run("promtool", "check", "rules", "--lint=all", "--lint-fatal", str(RULES))
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_every_alert_has_a_case_for_both_sides() -> None:
    names = [alert.name for alert in alerts()]
    assert len(names) == len(set(names))
    assert set(names) == PAIRS.keys() | ALWAYS.keys()


def test_six_groups_and_more_have_alerts() -> None:
    groups = {alert.group for alert in alerts()}
    assert {"api", "cache", "database", "system", "availability", "business"} < groups
    assert {alert.severity for alert in alerts()} == {"page", "ticket", "deadman"}


def test_every_alert_fires_when_it_must_and_is_silent_when_it_must(tmp_path: Path) -> None:
    groups = yaml.safe_load(RULES.read_text())["groups"]
    files = [str(_written(alert, groups, tmp_path)) for alert in alerts()]
    tested = run("promtool", "test", "rules", *files)
    assert tested.returncode == 0, tested.stdout + tested.stderr
    assert tested.stdout.count("SUCCESS") == len(files)


def _written(alert: Alert, groups: list[dict[str, Any]], folder: Path) -> Path:
    """The alert's unit tests, on those of the committed rules that it needs: all take minutes."""
    needed = [
        group | {"rules": [r for r in group["rules"] if r.get("alert") == alert.name]}
        for group in groups
        if group["name"] == alert.group
    ]
    recorded = [g for g in groups if g["name"] == f"slo:{dict(alert.labels).get('objective')}"]
    rules = folder / f"{alert.name}.rules.json"
    rules.write_text(json.dumps({"groups": recorded + needed}))
    tests = list(_unit_tests(alert.name))
    file = folder / f"{alert.name}.tests.json"
    content = {
        "rule_files": [str(rules)],
        "evaluation_interval": tests[0]["interval"],
        "tests": tests,
    }
    file.write_text(json.dumps(content))
    return file


def _unit_tests(name: str) -> Iterator[dict[str, Any]]:
    if pair := PAIRS.get(name):
        yield _unit_test(name, "fires", pair.fires, [(pair.fires.minute, True)])
        yield _unit_test(name, "silent", pair.silent, [(pair.silent.minute, False)])
    if case := ALWAYS.get(name):
        yield _unit_test(name, "always", case, [(case.minute, True)])
    for told, story, series, fires, silent in STORIES:
        looks = [*((m, True) for m in fires), *((m, False) for m in silent)]
        if told == name:
            yield _unit_test(name, story, Case(series), looks)


def _unit_test(name: str, story: str, case: Case, looks: list[tuple[int, bool]]) -> dict[str, Any]:
    expr = f'group by (alertname) (ALERTS{{alertname="{name}",alertstate="firing"}})'
    firing = [{"labels": f'{{alertname="{name}"}}', "value": 1}]
    return {
        "name": f"{name}: {story}",
        "interval": f"{case.step}m",
        "input_series": [{"series": s, "values": values} for s, values in case.series.items()],
        "promql_expr_test": [
            {"expr": expr, "eval_time": f"{minute}m", "exp_samples": firing if fires else []}
            for minute, fires in looks
        ],
    }


def test_a_silent_case_is_silent_because_of_the_rule(tmp_path: Path) -> None:
    """A case with a misspelt name would be silent for ever."""
    text = RULES.read_text()
    for pair in PAIRS.values():
        for series in (*pair.fires.series, *pair.silent.series):
            assert series.split("{")[0] in text, series


def anchors() -> set[str]:
    """Where a link into the runbook may lead."""
    text = (ROOT / RUNBOOK).read_text()
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_every_link_into_the_runbook_leads_somewhere() -> None:
    missing = {alert.runbook for alert in alerts()} - anchors()
    assert not missing, sorted(missing)
