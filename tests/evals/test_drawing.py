"""The drawings of `make bench-dashboards`: what is there is drawn, and nothing is made up."""

from dataclasses import replace

import pytest

from evals.bench.board.asking import Series, Span
from evals.bench.board.drawing import drawn, page, told
from evals.bench.board.life import Event
from monitoring.grafana.boards import DASHBOARDS
from monitoring.grafana.panel import Panel, Unit, chart, stat

SPAN = Span(1_000, 1_180)
PANEL = chart("Turns", "ops", "Ended turns.", ("sum(x)", "{{outcome}}"))


def rising(name: str, *moments: int) -> Series:
    return Series(name, tuple((SPAN.start + at, float(at)) for at in moments))


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (0.0734, "s", "73.4 ms"),
        (90, "s", "1.5 min"),
        (0, "s", "0 s"),
        (0.125, "percentunit", "12.5 %"),
        (3 * 2**20, "bytes", "3 MiB"),
        (999_990, "short", "1000k"),
        (12.5, "ops", "12.5/s"),
        (2_500, "reqps", "2.5k/s"),
        (0.5, "currencyUSD", "$0.5"),
        (940_000, "dateTimeFromNow", "1 min ago"),
    ],
)
def test_a_value_has_its_unit(value: float, unit: Unit, text: str) -> None:
    assert told(value, unit, now=1_000) == text


def test_where_nothing_was_scraped_there_is_no_line() -> None:
    [line] = drawn(PANEL, [rising("answered", 0, 1, 2, 90, 91)], SPAN).lines
    assert [len(piece.split()) for piece in line.pieces] == [3, 2]


def test_the_scale_holds_the_highest_and_little_more() -> None:
    picture = drawn(PANEL, [rising("a", 0, 30), rising("b", 0, 70)], SPAN)
    assert [text for _, text in picture.ticks] == ["0/s", "20/s", "40/s", "60/s", "80/s"]
    assert [line.told for line in picture.lines] == ["30/s", "70/s"]


def test_a_number_is_the_last_one() -> None:
    panel = stat("Connected", "none", "1: signed in.", "max(x)")
    assert drawn(panel, [rising("x", 5, 3)], SPAN).lines[0].told == "3"


def of(*panels: Panel) -> str:
    board = replace(DASHBOARDS[0], panels=panels)
    series = [rising("<b>bold", 0, 10)]
    pictures = [drawn(panel, series if panel is PANEL else [], SPAN) for panel in panels]
    return page(board, pictures, SPAN, [Event("A", "Xero answers 503", 1_060, 1_120)])


def test_a_page_says_what_was_done_and_that_it_is_not_grafana() -> None:
    text = of(PANEL)
    assert "Xero answers 503" in text
    assert "Grafana draws it otherwise" in text
    assert "No data" not in text
    assert "<b>bold" not in text
    assert "&lt;b&gt;bold" in text


def test_a_panel_without_data_says_so() -> None:
    assert "No data" in of(replace(PANEL, title="Empty"))
