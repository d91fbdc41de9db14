"""What a report holds and shows, and that what people wrote is data to it."""

import base64
import gzip
import hashlib
import json
import re
from collections.abc import Sequence
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from typing_extensions import override

from evals.comparing.compare import compare
from evals.outcome import BookDocument, Call, NodeRun, Outcome, Row, Run, Turn, Verdict, Versions
from evals.reports.page import write_report
from evals.reports.trend import append_run, read_history
from evals.running.rows import append_row, load_run, save_run

HOSTILE = (
    "</script><script>window.hacked = 1</script><img src=x onerror='window.hacked = 1'>"
    "<!--<script>\"'&amp;{{ 7 * 7 }} javascript:alert(1) ]]>"
)
VERSIONS = Versions(code="abc1234", prompts={"compose_reply": "0f9e8d7c6b5a"}, policies="11aa")


def a_run(name: str = "run-2", **given: Any) -> Run:
    fields: dict[str, Any] = {
        "id": name,
        "started_at": "2026-11-27T21:30:04+00:00",
        "mode": "offline",
        "versions": VERSIONS,
        "seconds": 12.0,
        "cases": 2,
        "passed": 1,
        "complete": True,
    }
    return Run(**fields | given)


def a_turn(said: str = "what do I owe?", reply: str = "You owe SGD 90.00.", **given: Any) -> Turn:
    return Turn(
        said=said,
        reply=reply,
        state={
            "screened": {"language": "en", "injection": 0.0},
            "understanding": {
                "intents": [{"name": "balance", "confidence": 0.93, "part": said}],
                "entities": [],
                "sentiment": "neutral",
                "is_urgent": False,
                "by": "classifier",
            },
            "verdict": {"passed": True, "problems": [], "tries": 1},
        },
        nodes=[NodeRun(node="compose_reply", step=1, started_ms=0, ms=12.0)],
        calls=[Call(name="read_balance")],
        **given,
    )


def a_row(case: str = "owes", *, failed: str = "", reason: str = "", **given: Any) -> Row:
    verdicts = [Verdict(scorer="played", passed=True, turn=1)]
    if failed:
        verdicts.append(Verdict(scorer=failed, passed=False, reason=reason, turn=1))
    fields: dict[str, Any] = {
        "case": case,
        "suite": "accounts",
        "tags": ["core"],
        "owner": "billing",
        "passed": not failed,
        "verdicts": verdicts,
        "seconds": 0.5,
        "outcome": Outcome(turns=[a_turn()]),
    }
    return Row(**fields | given)


def a_folder(parent: Path, rows: Sequence[Row], run: Run | None = None) -> Path:
    """A run as the runner leaves it."""
    run = run or a_run()
    save_run(parent / run.id, run)
    for row in rows:
        append_row(parent / run.id, row)
    return parent / run.id


class Page(HTMLParser):
    """The elements of a page, and the text of its scripts and styles."""

    def __init__(self, path: Path) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.texts: list[tuple[str, dict[str, str], str]] = []
        self.words: list[str] = []
        self._open: tuple[str, dict[str, str]] | None = None
        self.feed(path.read_text(encoding="utf-8"))

    @override
    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        self.elements.append((tag, found))
        self._open = (tag, found) if tag in ("script", "style") else None

    @override
    def handle_endtag(self, tag: str) -> None:
        self._open = None

    @override
    def handle_data(self, data: str) -> None:
        if self._open:
            self.texts.append((*self._open, data))
        elif data.strip():
            self.words.append(" ".join(data.split()))

    @property
    def shown(self) -> str:
        return " ".join(self.words)

    @property
    def names(self) -> list[str]:
        """The cases of the list, in its order."""
        ids = [a.get("id", "") for tag, a in self.elements if tag == "li"]
        return [name.removeprefix("case-") for name in ids if name]

    @property
    def packed(self) -> list[dict[str, Any]]:
        texts = [text for _, a, text in self.texts if a.get("class") == "packed-case"]
        return [json.loads(gzip.decompress(base64.b64decode(text))) for text in texts]


def hostile_row() -> Row:
    """Markup in every text that somebody may write."""
    turn = a_turn(HOSTILE, HOSTILE, told=[{"reply": HOSTILE, "extra": {}}], error=HOSTILE)
    turn.calls = [Call(name="read_balance", args={"text": HOSTILE})]
    book = BookDocument(kind="invoice", id="1", number=HOSTILE, after={"Reference": HOSTILE})
    outcome = Outcome(turns=[turn], books=[book], log=[HOSTILE], tickets=[{"packet": HOSTILE}])
    return a_row(
        HOSTILE, failed="says", reason=HOSTILE, outcome=outcome, suite=HOSTILE, tags=[HOSTILE]
    )


def test_markup_in_what_people_wrote_adds_no_element(tmp_path: Path) -> None:
    plain = a_folder(tmp_path / "plain", [a_row(failed="says", reason="it is wrong")])
    hostile = a_folder(tmp_path / "hostile", [hostile_row()], a_run(label=""))
    told = (["it is wrong"], [HOSTILE])
    pages = [
        Page(write_report(folder, [], None, said, said))
        for folder, said in zip((plain, hostile), told, strict=True)
    ]
    shapes = [[(tag, sorted(attrs)) for tag, attrs in page.elements] for page in pages]
    assert shapes[0] == shapes[1]
    assert HOSTILE in pages[1].shown
    assert pages[1].packed[0]["trials"][0]["outcome"]["turns"][0]["said"] == HOSTILE


def test_the_policy_allows_only_what_is_in_the_file(tmp_path: Path) -> None:
    page = Page(write_report(a_folder(tmp_path, [hostile_row()]), []))
    policy = next(a["content"] for _, a in page.elements if "http-equiv" in a)
    found = {
        kind: {
            "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
            for tag, attributes, text in page.texts
            if tag == kind and "type" not in attributes
        }
        for kind in ("script", "style")
    }
    assert found["script"]
    for kind, hashes in found.items():
        allowed = re.search(rf"{kind}-src ([^;]+)", policy)
        assert allowed
        assert set(allowed[1].replace("'", "").split()) == hashes
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy


def test_nothing_in_the_file_names_another_place(tmp_path: Path) -> None:
    page = Page(write_report(a_folder(tmp_path, [a_row()]), [a_run("run-1"), a_run()]))
    places = {a[name] for _, a in page.elements for name in ("src", "href", "action") if name in a}
    assert all(place.startswith(("#", "data:")) for place in places)
    assert not [a for _, a in page.elements if "style" in a or any(n.startswith("on") for n in a)]


def test_an_opened_case_carries_everything_but_what_is_of_others(tmp_path: Path) -> None:
    outcome = Outcome(turns=[a_turn()], owned=["INV-1"], foreign=["INV-2"], log=["one line"])
    (opened,) = Page(write_report(a_folder(tmp_path, [a_row(outcome=outcome)]), [])).packed
    (trial,) = opened["trials"]
    assert trial["outcome"]["turns"][0]["calls"][0]["name"] == "read_balance"
    assert trial["outcome"]["log"] == ["one line"]
    assert not {"owned", "foreign"} & trial["outcome"].keys()
    assert opened["command"] == "python -m evals run --case owes"


def test_what_fails_stands_first(tmp_path: Path) -> None:
    rows = [
        a_row("a-passes"),
        a_row("b-skipped", skipped="needs a model"),
        a_row("c-flaky"),
        a_row("c-flaky", trial=2, failed="facts"),
        a_row("d-fails", failed="facts", reason="does not state SGD 90.00"),
    ]
    page = Page(write_report(a_folder(tmp_path, rows), []))
    assert page.names == ["d-fails", "c-flaky", "a-passes", "b-skipped"]
    assert "turn 1, facts: does not state SGD 90.00" in page.shown
    assert "1 of 2" in page.shown


def test_the_head_counts_cases_and_says_how_sure_that_is(tmp_path: Path) -> None:
    rows = [a_row(f"case-{n}", failed="says" if n < 10 else "") for n in range(100)]
    page = Page(write_report(a_folder(tmp_path, rows), [], None, ["privacy is broken"], ["slow"]))
    for told in ("90 of 100", "82.6–94.5 %", "1 gate is breached", "privacy is broken", "slow"):
        assert told in page.shown


def test_several_trials_count_as_passed_only_together(tmp_path: Path) -> None:
    rows = [a_row(), a_row(trial=2, failed="says"), a_row("other"), a_row("other", trial=2)]
    page = Page(write_report(a_folder(tmp_path, rows, a_run(trials=2)), []))
    assert "1 of 2 conversations pass all of their trials" in page.shown


def test_the_trend_is_of_runs_that_can_be_compared(tmp_path: Path) -> None:
    history = [
        a_run("before", passed=2),
        a_run("live", mode="live"),
        a_run("one-suite", selection={"suite": ["accounts"]}),
        a_run("stopped", complete=False),
        a_run(),
    ]
    shown = Page(write_report(a_folder(tmp_path, [a_row()]), history)).shown
    assert "Trend of 2 runs" in shown
    assert "−50.0 points" in shown
    assert "before" in shown
    for other in ("live", "one-suite", "stopped"):
        assert f"{other}:" not in shown


def test_the_first_run_has_no_trend(tmp_path: Path) -> None:
    folder = a_folder(tmp_path, [a_row()])
    assert "Trend" not in Page(write_report(folder, [load_run(folder)[0]])).shown


def test_a_changed_prompt_is_marked(tmp_path: Path) -> None:
    earlier = VERSIONS.model_copy(update={"prompts": {"compose_reply": "ffffffffffff"}})
    history = [a_run("run-1", versions=earlier)]
    shown = Page(write_report(a_folder(tmp_path, [a_row()]), history)).shown
    assert "prompt compose_reply changed since the run before" in shown
    assert "was ffffffffffff" in shown


def test_what_a_case_expected_is_carried_where_the_run_kept_it(tmp_path: Path) -> None:
    folder = a_folder(tmp_path, [a_row(), a_row("other")])
    (folder / "cases.jsonl").write_text('{"id": "owes", "turns": []}\n')
    expected = [case["expected"] for case in Page(write_report(folder, [])).packed]
    assert expected == [None, {"id": "owes", "turns": []}]


def test_a_comparison_says_its_verdict_and_carries_both_sides(tmp_path: Path) -> None:
    before = a_folder(tmp_path, [a_row(), a_row("same")], a_run("run-1"))
    worse = a_row(failed="facts", outcome=Outcome(turns=[a_turn(reply="You owe nothing.")]))
    after = a_folder(tmp_path, [worse, a_row("same")])
    page = Page(write_report(after, [], compare(load_run(before), load_run(after))))
    assert "Against run-1" in page.shown
    assert "no evidence of a difference" in page.shown
    (text,) = [text for _, a, text in page.texts if a.get("class") == "packed-pair"]
    pair = json.loads(gzip.decompress(base64.b64decode(text)))
    sides = [pair["turns"][0][side]["reply"] for side in ("a", "b")]
    assert sides == ["You owe SGD 90.00.", "You owe nothing."]


@pytest.mark.parametrize(
    ("given", "command"),
    [
        ({}, "python -m evals run"),
        ({"mode": "live", "trials": 4}, "python -m evals run --model live --k 4"),
        (
            {"selection": {"suite": ["a", "b"], "case": ["c"]}},
            "python -m evals run --suite a --suite b --case c",
        ),
    ],
    ids=["everything", "mode and trials", "selection"],
)
def test_the_command_plays_the_same_again(
    tmp_path: Path, given: dict[str, Any], command: str
) -> None:
    page = Page(write_report(a_folder(tmp_path, [a_row()], a_run(**given)), []))
    assert command in page.words


def test_a_broken_line_of_the_index_is_noted_and_the_others_are_read(tmp_path: Path) -> None:
    index = tmp_path / "deep" / "index.jsonl"
    append_run(index, a_run("run-1"))
    with index.open("a") as file:
        file.write('{"id": "torn')
    append_run(index, a_run("run-2"))
    append_run(index, a_run("run-1", passed=2))
    runs, notes = read_history(index)
    assert [(run.id, run.passed) for run in runs] == [("run-2", 1), ("run-1", 2)]
    assert len(notes) == 1
    assert "index.jsonl, line 2" in notes[0]


def test_without_an_index_there_is_no_history(tmp_path: Path) -> None:
    assert read_history(tmp_path / "index.jsonl") == ([], [])
