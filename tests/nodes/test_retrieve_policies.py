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


WEIGHT = "how much weight can the XL pizza box hold?"


async def test_a_follow_up_is_not_answered_with_what_was_asked_before(context: Context) -> None:
    state = a_state("and how long can we store them?", history=[said(WEIGHT)])
    update = await retrieve_policies(state, Runtime(context=context))
    assert update["passages"][0]["id"] == "products#storage-and-shelf-life"


async def test_a_follow_up_without_words_of_its_own_keeps_its_subject(context: Context) -> None:
    state = a_state("and the medium one?", history=[said(WEIGHT)])
    update = await retrieve_policies(state, Runtime(context=context))
    assert update["passages"][0]["id"] == "products#how-much-a-pizza-box-holds"


async def test_only_the_beginning_of_a_message_leans_on_the_one_before(context: Context) -> None:
    state = a_state("payment terms, and late fees?", history=[said("how much is a rush order?")])
    update = await retrieve_policies(state, Runtime(context=context))
    assert update["facts"] == []
    assert not any(p["id"].startswith("ordering#urgent") for p in update["passages"])


async def test_a_computed_answer_brings_its_section_along(context: Context) -> None:
    state = a_state("hi 请问 delivery 到 Sentosa 要加多少钱？")
    update = await retrieve_policies(state, Runtime(context=context))
    assert data_of(update, "computed")["section_id"] == "delivery#delivery-fee-and-areas"
    assert "delivery#delivery-fee-and-areas" in {p["id"] for p in update["passages"]}


def said(text: str) -> dict[str, str]:
    return {"role": "user", "content": text}
