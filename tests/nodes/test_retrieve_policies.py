from dataclasses import replace
from pathlib import Path

from langgraph.runtime import Runtime

from nodes.retrieve_policies import PASSAGES, retrieve_policies
from tests.nodes.conftest import a_state, data_of
from tools.context import Context
from tools.embedded.process import free_port
from tools.search.embedder import Embedder
from tools.search.knowledge import Knowledge, load_policies, open_chroma

FEE = "how much is the fee if I cancel the day before delivery?"


async def test_the_passage_that_answers_comes_first(context: Context) -> None:
    update = await retrieve_policies(a_state(FEE), Runtime(context=context))
    best, *others = update["passages"]
    assert best["id"].startswith("cancellation#")
    assert "25%" in best["text"]
    assert len(others) == PASSAGES - 1
    assert all(p["score"] <= best["score"] for p in others)


async def test_each_request_of_a_message_gets_its_passage(context: Context) -> None:
    asked = "which days do you deliver? " + FEE
    update = await retrieve_policies(a_state(asked), Runtime(context=context))
    found = {p["id"].split("#")[0] for p in update["passages"]}
    assert {"delivery", "cancellation"} <= found
    assert FEE in {p["asked"] for p in update["passages"]}


async def test_without_the_search_the_turn_goes_on_and_says_so(
    context: Context, data_folder: Path, tmp_path: Path
) -> None:
    nobody = open_chroma(f"http://127.0.0.1:{free_port()}", tmp_path)
    knowledge = Knowledge(nobody, load_policies(), Embedder(data_folder / "minilm"))
    away = replace(context, knowledge=knowledge)
    update = await retrieve_policies(a_state(FEE), Runtime(context=away))
    assert update["passages"] == []
    assert data_of(update, "unavailable") == {"part": "policies"}
