"""The last run as Prometheus reads it."""

from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families

from evals.outcome import Run
from evals.reports.textfile import NAMES, write_textfile
from tests.evals.test_report import a_row

RUN = Run(id="r", started_at="2026-11-28T00:00:00+00:00", mode="offline", seconds=90)


def test_cases_gate_cost_and_time_are_told(tmp_path: Path) -> None:
    rows = [a_row("a"), a_row("b", failed="facts"), a_row("c", suite="orders")]
    path = write_textfile(tmp_path / "new" / "folder", RUN, rows, is_open=False)
    families = list(text_string_to_metric_families(path.read_text()))
    assert {family.name for family in families} == NAMES
    told = {(s.name, *s.labels.values()): s.value for f in families for s in f.samples}
    assert told["tria_eval_cases", "accounts", "passed"] == 1
    assert told["tria_eval_cases", "accounts", "failed"] == 1
    assert told["tria_eval_cases", "orders", "failed"] == 0
    assert told["tria_eval_gate_open",] == 0
    assert told["tria_eval_run_timestamp_seconds",] == 1795824090.0
    assert [file.name for file in path.parent.iterdir()] == ["evals.prom"]


def test_a_case_counts_once_however_often_it_was_tried(tmp_path: Path) -> None:
    rows = [a_row("a"), a_row("a", trial=2, failed="facts"), a_row("a", trial=3)]
    text = write_textfile(tmp_path, RUN, rows, is_open=True).read_text()
    assert 'tria_eval_cases{suite="accounts",verdict="failed"} 1.0' in text
    assert 'tria_eval_cases{suite="accounts",verdict="passed"} 0.0' in text
    assert "tria_eval_gate_open 1.0" in text
