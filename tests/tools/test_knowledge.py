import asyncio
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from tools.embedded.minilm import build_minilm
from tools.embedded.process import free_port
from tools.embedder import Embedder
from tools.errors import BackendUnavailable
from tools.knowledge import (
    Connect,
    IndexReport,
    Knowledge,
    PolicySection,
    fused,
    load_policies,
    open_chroma,
)


def section(name: str, text: str) -> PolicySection:
    return PolicySection(f"rules#{name}", "Rules", name.capitalize(), text, "policies/rules.md")


SECTIONS = (
    section("cancel", "You can cancel an order free of charge the day before delivery."),
    section("pay", "Settle the invoice by PayNow, bank transfer or cheque."),
    section("oven", "The box is oven safe for a short time."),
)


@pytest.fixture(scope="module")
def embedder() -> Embedder:
    return Embedder(build_minilm(Path.home() / ".cache" / "tria" / "minilm"))


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A Chroma server of its own process."""
    folder, port = tmp_path_factory.mktemp("server"), free_port()
    program = str(Path(sys.executable).with_name("chroma"))
    command = [program, "run", "--path", str(folder), "--host", "127.0.0.1", "--port", str(port)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    url = f"http://127.0.0.1:{port}"
    try:
        wait_for(open_chroma(url, folder))
        yield url
    finally:
        process.terminate()
        process.wait(10)


def wait_for(connect: Connect) -> None:
    end = time.monotonic() + 20
    while True:
        try:
            connect()
        except httpx.HTTPError:
            assert time.monotonic() < end, "the Chroma server did not start"
            time.sleep(0.1)
        else:
            return


@pytest.fixture(params=["in process", "server"])
def connect(request: pytest.FixtureRequest, tmp_path: Path) -> Connect:
    """A way to an empty Chroma."""
    if request.param == "in process":
        return open_chroma(None, tmp_path / "chroma")
    found = open_chroma(request.getfixturevalue("server"), tmp_path)
    client = found()
    for collection in client.list_collections():
        client.delete_collection(collection.name)
    return found


async def test_a_search_finds_the_section_by_meaning(connect: Connect, embedder: Embedder) -> None:
    knowledge = Knowledge(connect, SECTIONS, embedder)
    await knowledge.index()
    first, second = await knowledge.search("call off my purchase", k=2)
    assert first == {
        "id": "rules#cancel",
        "title": "Rules",
        "section": "Cancel",
        "text": SECTIONS[0].text,
        "source": "policies/rules.md",
        "score": first["score"],
        "version": SECTIONS[0].version,
    }
    assert 0 <= second["score"] < first["score"] <= 1


async def test_indexing_again_changes_nothing(connect: Connect, embedder: Embedder) -> None:
    knowledge = Knowledge(connect, SECTIONS, embedder)
    assert await knowledge.index() == IndexReport(added=3, removed=0, unchanged=0)
    assert await knowledge.index() == IndexReport(added=0, removed=0, unchanged=3)


async def test_only_what_changed_is_embedded(connect: Connect, embedder: Embedder) -> None:
    await Knowledge(connect, SECTIONS, embedder).index()
    changed = replace(SECTIONS[0], text="Orders cannot be cancelled.")
    knowledge = Knowledge(connect, [changed, SECTIONS[1]], embedder)
    assert await knowledge.index() == IndexReport(added=1, removed=2, unchanged=1)
    found = await knowledge.search("can I cancel", k=4)
    assert [passage["id"] for passage in found] == ["rules#cancel", "rules#pay"]
    assert found[0]["text"] == "Orders cannot be cancelled."


async def test_another_release_in_the_index_is_not_served(
    connect: Connect, embedder: Embedder
) -> None:
    later = [*SECTIONS, section("storage", "Keep boxes in a dry storage room.")]
    await Knowledge(connect, later, embedder).index()
    found = await Knowledge(connect, SECTIONS, embedder).search("storage room", k=4)
    assert len(found) == 3
    assert "rules#storage" not in {passage["id"] for passage in found}


async def test_a_service_that_starts_again_finds_its_index(
    tmp_path: Path, embedder: Embedder
) -> None:
    first = open_chroma(None, tmp_path)
    await Knowledge(first, SECTIONS, embedder).index()
    first().clear_system_cache()
    again = Knowledge(open_chroma(None, tmp_path), SECTIONS, embedder)
    assert (await again.index()).added == 0
    assert (await again.search("paynow", k=1))[0]["id"] == "rules#pay"


async def test_an_empty_index_is_searched_by_words(connect: Connect, embedder: Embedder) -> None:
    found = await Knowledge(connect, SECTIONS, embedder).search("oven", k=1)
    assert [passage["id"] for passage in found] == ["rules#oven"]


async def test_ten_searches_at_once(tmp_path: Path, embedder: Embedder) -> None:
    knowledge = Knowledge(open_chroma(None, tmp_path), SECTIONS, embedder)
    await knowledge.index()
    found = await asyncio.gather(*(knowledge.search("cheque", k=1) for _ in range(10)))
    assert {passages[0]["id"] for passages in found} == {"rules#pay"}


async def test_a_hostile_question_is_only_text(connect: Connect, embedder: Embedder) -> None:
    knowledge = Knowledge(connect, SECTIONS, embedder)
    await knowledge.index()
    for question in ("", "   ", "取消订单", "'; drop table --", "x" * 20_000):
        assert len(await knowledge.search(question, k=2)) == 2


async def test_without_a_server(tmp_path: Path, embedder: Embedder) -> None:
    connect = open_chroma(f"http://127.0.0.1:{free_port()}", tmp_path)
    knowledge = Knowledge(connect, SECTIONS, embedder)
    for asked in (knowledge.search("hello"), knowledge.ping()):
        with pytest.raises(BackendUnavailable):
            await asked
    with pytest.raises(BackendUnavailable):
        await knowledge.index()


async def test_a_server_that_hangs_is_left_alone(tmp_path: Path, embedder: Embedder) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/"
        knowledge = Knowledge(open_chroma(url, tmp_path, seconds=0.1), SECTIONS, embedder)
        with pytest.raises(BackendUnavailable, match="did not answer"):
            await knowledge.ping()
        with pytest.raises(BackendUnavailable, match="a moment ago"):
            await knowledge.ping()


async def test_a_lost_collection_is_made_again(connect: Connect, embedder: Embedder) -> None:
    knowledge = Knowledge(connect, SECTIONS, embedder)
    await knowledge.index()
    connect().delete_collection("policies")
    with pytest.raises(BackendUnavailable):
        await knowledge.ping()
    await knowledge.ping()
    assert (await knowledge.index()).added == 3


async def test_the_score_comes_from_the_cosine(connect: Connect, embedder: Embedder) -> None:
    knowledge = Knowledge(connect, SECTIONS, embedder)
    await knowledge.index()
    question = "remittance methods"  # no word of it stands in a section
    cosines = embedder.vectors([s.searchable for s in SECTIONS]) @ embedder.embed_query(question)
    best = (await knowledge.search(question, k=1))[0]
    assert best["score"] == pytest.approx(fused(max(cosines), 0), abs=0.001)


def test_a_version_follows_the_text() -> None:
    assert SECTIONS[0].version == replace(SECTIONS[0], source="elsewhere").version
    assert SECTIONS[0].version != replace(SECTIONS[0], text="Other").version


def test_numbers_read_as_customers_write_them() -> None:
    texts = {section.id: section.text for section in load_policies()}
    assert "10,000 pieces" in texts["ordering#quotation-for-large-volumes"]
    assert (
        "within 30 minutes, aim to solve the matter in 2 hours"
        in (texts["escalation#response-times"])
    )
    assert "Tuesday, Thursday, Saturday" in texts["delivery#delivery-days-and-time-slots"]
    assert "Act 2012" in texts["privacy#how-we-protect-personal-data"]
