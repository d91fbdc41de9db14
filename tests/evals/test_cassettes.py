"""Answers of a model that are recorded once and played again, and which model a run asks."""

import json
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import httpx
import pytest
from langchain_core.messages import HumanMessage, SystemMessage

from evals.models.cassette import (
    CHAT,
    FOLDER,
    SHOWN,
    Cassette,
    Upstream,
    cassette_server,
    make_app,
)
from evals.models.choice import STAND_IN, cassette_mode, choosing
from evals.models.tape import Recording, Tape, key_of, prompts_in, recordings, stale
from nodes.classify_intent import Classification
from nodes.prompts import prompt, version
from tests.conftest import Served
from tests.tools.conftest import Control, control
from tools.errors import BackendUnavailable, SettingsInvalid
from tools.model.client import Model

__all__ = ["control"]

KEY = "a key that nobody may read"
ASKED = [{"role": "system", "content": "Be short."}, {"role": "user", "content": "what do I owe?"}]
REQUEST = {"model": STAND_IN, "messages": ASKED, "temperature": 0.0}
STREAMED = REQUEST | {"stream": True, "stream_options": {"include_usage": True}}
TOOL = {"type": "function", "function": {"name": "list_invoices", "parameters": {}}}


def saying(text: str) -> dict[str, Any]:
    return REQUEST | {"messages": [{"role": "user", "content": text}]}


@pytest.fixture
def recording(control: Control, tmp_path: Path) -> Iterator[Cassette]:
    """One that records what the sandbox's stand-in answers."""
    upstream = Upstream(f"{control.root}/openai/v1", KEY)
    with Served(make_app(Tape(tmp_path), upstream)) as served:
        yield Cassette(f"{served.url}/v1")


@pytest.fixture
def playing(tmp_path: Path) -> Iterator[Cassette]:
    """One that plays what is in the folder when it is first asked for."""
    with Served(make_app(Tape(tmp_path), None)) as served:
        yield Cassette(f"{served.url}/v1")


def ask(cassette: Cassette, request: dict[str, Any]) -> httpx.Response:
    return httpx.post(f"{cassette.url}{CHAT}", json=request, timeout=30)


@asynccontextmanager
async def model_at(cassette: Cassette) -> AsyncIterator[Model]:
    model = Model("any", cassette.url, STAND_IN)
    yield model
    await model.aclose()


@pytest.mark.parametrize("request_", [REQUEST, STREAMED], ids=["whole", "stream"])
def test_a_recorded_answer_is_played_to_the_letter_without_asking_again(
    recording: Cassette, control: Control, tmp_path: Path, request_: dict[str, Any]
) -> None:
    first = ask(recording, request_)
    asked = control.model_calls()
    with Served(make_app(Tape(tmp_path), None)) as served:
        for cassette in (recording, Cassette(f"{served.url}/v1")):
            again = ask(cassette, request_)
            assert again.text == first.text
            assert again.headers["content-type"] == first.headers["content-type"]
    assert control.model_calls() == asked


async def test_our_client_is_told_the_same_by_a_recording_as_by_the_model(
    recording: Cassette, playing: Cassette, control: Control
) -> None:
    control.model("echo", picks=[{"name": "list_invoices", "arguments": {"state": "paid"}}])
    messages = [SystemMessage("Choose."), HumanMessage("which ones did we pay?")]
    said = []
    for cassette in (recording, playing):
        async with model_at(cassette) as model:
            streamed = "".join([piece async for piece in model.stream(messages)])
            filled = await model.fill(Classification, messages)
            picked = await model.pick(messages, [TOOL])
            said.append((streamed, filled, picked))
    assert said[0] == said[1]
    assert said[0][2] == [("list_invoices", {"state": "paid"})]
    assert playing.misses() == []


@pytest.mark.parametrize(
    "changed",
    [
        {"model": "another"},
        {"messages": [*ASKED, {"role": "user", "content": "hello?"}]},
        {"tools": [TOOL]},
        {"response_format": {"type": "json_object"}},
        {"temperature": 0.5},
        {"stream": True},
    ],
    ids=lambda changed: next(iter(changed)),
)
def test_whatever_a_request_says_is_in_its_key(changed: dict[str, Any]) -> None:
    assert key_of(CHAT, REQUEST | changed) != key_of(CHAT, REQUEST)


def test_the_order_in_which_a_request_is_written_is_not_in_its_key() -> None:
    assert key_of(CHAT, dict(reversed(REQUEST.items()))) == key_of(CHAT, REQUEST)


@pytest.mark.parametrize(
    ("at_first", "later"),
    [
        ('{"as_of": "2026-09-02T10:15"}', '{"as_of": "2026-09-02T10:16"}'),
        ("as of Wed 2 Sep 2026, 10:15.", "as of Wed 2 Sep 2026, 10:16."),
        (
            "id 6a1f9c1e-8a0e-4a55-9d5e-2f4f5a7b3c11",
            "id 00000000-0000-4000-8000-000000000001",
        ),
    ],
    ids=["fact", "prose", "id"],
)
def test_what_only_the_time_or_an_id_tells_apart_is_found_where_nothing_is_closer(
    recording: Cassette, tmp_path: Path, at_first: str, later: str
) -> None:
    said = ask(recording, saying(at_first)).text
    with Served(make_app(Tape(tmp_path), None)) as served:
        assert ask(Cassette(f"{served.url}/v1"), saying(later)).text == said
    closer = ask(recording, saying(later)).text
    assert closer != said
    with Served(make_app(Tape(tmp_path), None)) as served:
        assert ask(Cassette(f"{served.url}/v1"), saying(later)).text == closer


@pytest.mark.parametrize("later", ["SGD 12.50", "INV-1658", "3 September"])
def test_amounts_numbers_and_days_are_never_passed_over(
    recording: Cassette, playing: Cassette, later: str
) -> None:
    ask(recording, saying("SGD 12.40, INV-1657, 2 September"))
    assert ask(playing, saying(later)).is_client_error


def test_what_nobody_recorded_is_a_miss_with_its_key_and_words(playing: Cassette) -> None:
    text = "eh how much we owe u ah, also when are you open today and tomorrow"
    ask(playing, saying(text))
    answer = ask(playing, saying(text))
    key = key_of(CHAT, saying(text))
    assert key in answer.json()["error"]["message"]
    assert [(miss.key, miss.said) for miss in playing.misses()] == [(key, text[:SHOWN])]


async def test_our_client_asks_once_for_a_miss_and_goes_on_asking_for_others(
    playing: Cassette,
) -> None:
    async with model_at(playing) as model:
        for number in range(8):
            with pytest.raises(BackendUnavailable):
                async for _ in model.stream([HumanMessage(f"question {number}")]):
                    pass
    assert [miss.said for miss in playing.misses()] == [f"question {n}" for n in range(8)]


@pytest.mark.parametrize("mode", ["error_429", "error_503", "truncate", "broken", "garbage"])
def test_an_answer_that_is_not_whole_is_passed_on_and_not_kept(
    recording: Cassette, control: Control, tmp_path: Path, mode: str
) -> None:
    control.model(mode, times=1)
    answer: httpx.Response | None = None
    with suppress(httpx.HTTPError):
        answer = ask(recording, STREAMED)
    assert not list(tmp_path.rglob("*.json"))
    if mode == "error_429":
        assert answer is not None
        assert (answer.status_code, answer.headers["retry-after"]) == (429, "2")
    assert "[DONE]" in ask(recording, STREAMED).text
    assert len(list(tmp_path.rglob("*.json"))) == 1


def test_a_service_that_is_away_is_an_error_of_the_service(tmp_path: Path) -> None:
    upstream = Upstream("http://127.0.0.1:9", KEY)
    with Served(make_app(Tape(tmp_path), upstream)) as served:
        assert ask(Cassette(f"{served.url}/v1"), REQUEST).status_code == 502


def test_what_is_kept_says_what_was_asked_and_never_the_key(
    recording: Cassette, tmp_path: Path
) -> None:
    ask(recording, STREAMED)
    [(file, kept)] = recordings(tmp_path)
    assert file.relative_to(tmp_path).parts == (STAND_IN, f"{key_of(CHAT, STREAMED)}.json")
    assert kept.request == STREAMED
    assert KEY not in file.read_text("utf-8")


def a_reply(**more: str) -> list[dict[str, str]]:
    """Messages as nodes/compose_reply.py sends them."""
    values = dict.fromkeys(("company", "customer", "today", "directions", "max_lines"), "x")
    values |= {"language": "English", "facts": '{"a": 1}\n{"b": 2}', "passages": ""} | more
    system = prompt("compose_reply").substitute(values)
    return [{"role": "system", "content": system}, {"role": "user", "content": "hi"}]


def test_the_prompts_of_a_request_are_known_by_their_text() -> None:
    again = {"role": "user", "content": prompt("rewrite_sentence").substitute(refused="SGD 5")}
    reply = {"compose_reply": version("compose_reply")}
    assert prompts_in(a_reply()) == reply
    assert prompts_in([*a_reply(), again]) == {
        **reply,
        "rewrite_sentence": version("rewrite_sentence"),
    }
    assert prompts_in(ASKED) == {}


@pytest.mark.parametrize(
    ("prompts", "is_stale"),
    [
        ({"compose_reply": version("compose_reply")}, False),
        ({"compose_reply": "0123456789ab"}, True),
        ({"a_prompt_that_is_gone": "0123456789ab"}, True),
        ({}, True),
    ],
    ids=["current", "changed", "gone", "none"],
)
def test_a_file_is_stale_where_a_prompt_of_it_is_not_what_it_was(
    tmp_path: Path, prompts: dict[str, str], *, is_stale: bool
) -> None:
    kept = Recording(
        path=CHAT, request=REQUEST, prompts=prompts, content_type="application/json", body="{}"
    )
    Tape(tmp_path).keep(kept)
    assert bool(stale(tmp_path)) is is_stale


def test_a_broken_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "broken.json").write_text('{"path": "/chat"}')
    with pytest.raises(ValueError, match=r"broken\.json"):
        stale(tmp_path)


def test_what_is_in_the_repository_is_found_by_what_it_asks() -> None:
    for file, kept in recordings(FOLDER):
        assert file.stem == key_of(kept.path, kept.request), file


def test_a_run_with_a_model_behind_it_records_and_one_without_plays(
    control: Control, tmp_path: Path
) -> None:
    known = {"OPENAI_API_KEY": KEY, "OPENAI_BASE_URL": f"{control.root}/openai/v1"}
    texts = []
    for settings in (known, known | {"CI": "true"}, {}):
        with choosing("recorded", STAND_IN, settings, tmp_path) as choice:
            assert choice.settings["OPENAI_API_KEY"] != KEY
            assert choice.cassette
            texts.append(ask(choice.cassette, STREAMED).text)
            assert choice.misses() == []
            if settings != known:
                ask(choice.cassette, saying("something else"))
                [miss] = choice.misses()
                assert miss.endswith(" something else")
    assert len(set(texts)) == 1


def test_to_record_somebody_must_be_asked(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="--upstream"), cassette_server(tmp_path, "record"):
        pass


@pytest.mark.parametrize(
    ("known", "expected"),
    [
        ({}, ("replay", None)),
        ({"OPENAI_API_KEY": "k"}, ("record", "https://api.openai.com/v1")),
        (
            {"OPENAI_API_KEY": "k", "OPENAI_BASE_URL": "https://models.tria.example/v1"},
            ("record", "https://models.tria.example/v1"),
        ),
        ({"OPENAI_API_KEY": "k", "CI": "true"}, ("replay", None)),
    ],
    ids=["no-key", "key", "elsewhere", "ci"],
)
def test_nothing_is_recorded_in_ci_or_without_a_key(
    known: dict[str, str], expected: tuple[str, str | None]
) -> None:
    assert cassette_mode(known) == expected


def test_a_live_model_is_refused_without_a_key() -> None:
    with pytest.raises(SettingsInvalid, match="OPENAI_API_KEY"), choosing("live", known={}):
        pass


def test_a_live_model_is_asked_as_the_machine_is_configured() -> None:
    known = {"OPENAI_API_KEY": "k", "OPENAI_DAILY_USD": "5", "OPENAI_MODEL": "m", "OTHER": "x"}
    with choosing("live", known=known) as choice:
        told = choice.settings
    assert choice.name == told["OPENAI_MODEL"] == "m"
    assert (told["OPENAI_API_KEY"], told["OPENAI_DAILY_USD"]) == ("k", "5")
    assert "OTHER" not in told


def test_the_stand_in_is_that_of_the_lanes_own_sandbox() -> None:
    with choosing("stand-in", known={"OPENAI_API_KEY": KEY}) as choice:
        assert choice.settings["OPENAI_BASE_URL"] == "{sandbox}/openai/v1"
        assert KEY not in choice.settings.values()


@pytest.mark.parametrize(("is_ours", "key"), [(True, "None"), (False, "**********")])
def test_a_lane_without_a_model_has_none_whatever_the_machines_file_says(
    environment: dict[str, str], tmp_path: Path, *, is_ours: bool, key: str
) -> None:
    (tmp_path / ".env").write_text("OPENAI_API_KEY=a key in a file\n")
    with choosing("offline", known={}) as choice:
        settings = dict(choice.settings) if is_ours else {}
    code = "from graph.settings import read_settings; print(read_settings().openai_api_key)"
    told = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env=environment | settings | {"PYTHONPATH": str(Path.cwd())},
        capture_output=True,
        text=True,
        check=True,
    )
    assert told.stdout.strip() == key


def test_a_file_is_written_so_that_people_can_read_it(recording: Cassette, tmp_path: Path) -> None:
    ask(recording, saying("我们欠多少？"))
    [file] = tmp_path.rglob("*.json")
    text = file.read_text("utf-8")
    assert "我们欠多少？" in text
    assert json.loads(text)["path"] == CHAT
