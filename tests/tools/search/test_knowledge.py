import asyncio
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from tools.embedded.minilm import build_minilm
from tools.embedded.process import free_port
from tools.errors import BackendUnavailable
from tools.search.embedder import Embedder
from tools.search.hybrid_index import Score
from tools.search.knowledge import (
    Connect,
    IndexReport,
    Knowledge,
    PolicySection,
    fused,
    load_policies,
    open_chroma,
    policy_values,
)


def section(name: str, text: str) -> PolicySection:
    return PolicySection(f"rules#{name}", "Rules", name.capitalize(), text, "policies/rules.md")


FEE = "cancellation#cancel-an-order-and-the-cancellation-fee"
SECTIONS = (
    section("cancel", "You can cancel an order free of charge the day before delivery."),
    section("pay", "Settle the invoice by PayNow, bank transfer or cheque."),
    section("oven", "The box is oven safe for a short time."),
)


def knowledge_of(
    connect: Connect, sections: Sequence[PolicySection], embedder: Embedder
) -> Knowledge:
    """These sections only: no translations, and no ways to ask for them."""
    return Knowledge(connect, sections, embedder, translations={}, asked={})


@pytest.fixture(scope="module")
def embedder() -> Embedder:
    return Embedder(build_minilm(Path.home() / ".cache" / "tria" / "minilm"))


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    port = free_port()
    with running_server(tmp_path_factory.mktemp("server"), port):
        yield f"http://127.0.0.1:{port}"


@contextmanager
def running_server(folder: Path, port: int) -> Iterator[None]:
    """A Chroma server of its own process."""
    program = str(Path(sys.executable).with_name("chroma"))
    command = [program, "run", "--path", str(folder), "--host", "127.0.0.1", "--port", str(port)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_for(open_chroma(f"http://127.0.0.1:{port}", folder))
        yield
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
    knowledge = knowledge_of(connect, SECTIONS, embedder)
    await knowledge.index()
    first, *others = await knowledge.search("call off my purchase", k=2)
    assert first == {
        "id": "rules#cancel",
        "title": "Rules",
        "section": "Cancel",
        "text": SECTIONS[0].text,
        "source": "policies/rules.md",
        "language": "en",
        "score": first["score"],
        "version": SECTIONS[0].version,
    }
    assert 0 < first["score"] <= 1
    assert all(other["score"] <= first["score"] for other in others)


async def test_indexing_again_changes_nothing(connect: Connect, embedder: Embedder) -> None:
    knowledge = knowledge_of(connect, SECTIONS, embedder)
    assert await knowledge.index() == IndexReport(added=3, removed=0, unchanged=0)
    assert await knowledge.index() == IndexReport(added=0, removed=0, unchanged=3)


async def test_only_what_changed_is_embedded(connect: Connect, embedder: Embedder) -> None:
    await knowledge_of(connect, SECTIONS, embedder).index()
    changed = replace(SECTIONS[0], text="Orders cannot be cancelled.")
    knowledge = knowledge_of(connect, [changed, SECTIONS[1]], embedder)
    assert await knowledge.index() == IndexReport(added=1, removed=2, unchanged=1)
    found = await knowledge.search("can I cancel", k=4)
    assert found[0]["id"] == "rules#cancel"
    assert "rules#oven" not in {passage["id"] for passage in found}
    assert found[0]["text"] == "Orders cannot be cancelled."


async def test_another_release_in_the_index_is_not_served(
    connect: Connect, embedder: Embedder
) -> None:
    later = [*SECTIONS, section("storage", "Keep boxes in a dry storage room.")]
    await knowledge_of(connect, later, embedder).index()
    found = await knowledge_of(connect, SECTIONS, embedder).search("storage room", k=4)
    assert "rules#storage" not in {passage["id"] for passage in found}


async def test_a_service_that_starts_again_finds_its_index(
    tmp_path: Path, embedder: Embedder
) -> None:
    first = open_chroma(None, tmp_path)
    await knowledge_of(first, SECTIONS, embedder).index()
    first().clear_system_cache()
    again = knowledge_of(open_chroma(None, tmp_path), SECTIONS, embedder)
    assert (await again.index()).added == 0
    assert (await again.search("paynow", k=1))[0]["id"] == "rules#pay"


async def test_an_empty_index_is_searched_by_words(connect: Connect, embedder: Embedder) -> None:
    found = await knowledge_of(connect, SECTIONS, embedder).search("oven", k=1)
    assert [passage["id"] for passage in found] == ["rules#oven"]


async def test_ten_searches_at_once(tmp_path: Path, embedder: Embedder) -> None:
    knowledge = knowledge_of(open_chroma(None, tmp_path), SECTIONS, embedder)
    await knowledge.index()
    found = await asyncio.gather(*(knowledge.search("cheque", k=1) for _ in range(10)))
    assert {passages[0]["id"] for passages in found} == {"rules#pay"}


async def test_a_hostile_question_is_only_text(connect: Connect, embedder: Embedder) -> None:
    knowledge = knowledge_of(connect, SECTIONS, embedder)
    await knowledge.index()
    for question in ("", "   ", "取消订单", "'; drop table --", "x" * 20_000):
        assert len(await knowledge.search(question, k=2)) <= 2


async def test_without_a_server(tmp_path: Path, embedder: Embedder) -> None:
    connect = open_chroma(f"http://127.0.0.1:{free_port()}", tmp_path)
    knowledge = knowledge_of(connect, SECTIONS, embedder)
    for asked in (knowledge.search("hello"), knowledge.ping()):
        with pytest.raises(BackendUnavailable):
            await asked
    with pytest.raises(BackendUnavailable):
        await knowledge.index()


async def test_a_server_that_hangs_is_left_alone(tmp_path: Path, embedder: Embedder) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/"
        knowledge = knowledge_of(open_chroma(url, tmp_path, seconds=0.1), SECTIONS, embedder)
        with pytest.raises(BackendUnavailable, match="did not answer"):
            await knowledge.ping()
        with pytest.raises(BackendUnavailable, match="a moment ago"):
            await knowledge.ping()


async def test_a_lost_collection_is_made_again(connect: Connect, embedder: Embedder) -> None:
    knowledge = knowledge_of(connect, SECTIONS, embedder)
    await knowledge.index()
    connect().delete_collection("policies")
    with pytest.raises(BackendUnavailable):
        await knowledge.ping()
    await knowledge.ping()
    assert (await knowledge.index()).added == 3


async def test_the_score_comes_from_the_cosine_where_no_word_is_shared(
    connect: Connect, embedder: Embedder
) -> None:
    knowledge = knowledge_of(connect, SECTIONS, embedder)
    await knowledge.index()
    question = "how do I call off my purchase again"
    cosines = embedder.vectors([s.searchable for s in SECTIONS]) @ embedder.embed_query(question)
    best = (await knowledge.search(question, k=1))[0]
    assert best["score"] == pytest.approx(
        fused(Score(float(max(cosines)), float(max(cosines)), 0)), abs=0.15
    )


async def test_an_index_that_was_lost_is_made_again_by_the_next_search(
    connect: Connect, embedder: Embedder
) -> None:
    knowledge = knowledge_of(connect, SECTIONS, embedder)
    await knowledge.index()
    connect().delete_collection("policies")
    with pytest.raises(BackendUnavailable):
        await knowledge.search("call off my purchase")
    found = await knowledge.search("call off my purchase", k=1)
    assert [passage["id"] for passage in found] == ["rules#cancel"]
    assert (await knowledge.index()).added == 0


async def test_chroma_that_comes_late_is_indexed_by_the_first_search(
    tmp_path: Path, embedder: Embedder
) -> None:
    port = free_port()
    late = open_chroma(f"http://127.0.0.1:{port}", tmp_path)
    knowledge = knowledge_of(late, SECTIONS, embedder)
    with pytest.raises(BackendUnavailable):
        await knowledge.index()
    with running_server(tmp_path, port):
        found = await knowledge.search("call off my purchase", k=1)
        assert [passage["id"] for passage in found] == ["rules#cancel"]
        assert (await knowledge.index()).unchanged == 3


async def test_a_search_while_another_one_indexes_answers(
    connect: Connect, embedder: Embedder
) -> None:
    knowledge = knowledge_of(connect, SECTIONS, embedder)
    found = await asyncio.gather(*(knowledge.search("paynow or cheque", k=1) for _ in range(6)))
    assert {passages[0]["id"] for passages in found} == {"rules#pay"}


async def test_a_section_is_found_by_the_ways_to_ask_for_it(
    tmp_path: Path, embedder: Embedder
) -> None:
    asked = {"en": {"rules#cancel": ["I changed my mind about it all"]}}
    knowledge = Knowledge(open_chroma(None, tmp_path), SECTIONS, embedder, {}, asked)
    assert (await knowledge.index()).added == len(SECTIONS) + 1
    found = await knowledge.search("sorry, changed my mind about all that", k=1)
    assert [p["id"] for p in found] == ["rules#cancel"]


ASKED = {"zh": {"rules#pay": ["发票可以用支票付吗"], "rules#cancel": ["可以取消订单吗"]}}
CHINESE = replace(
    SECTIONS[1], section="付款方式", text="请用转账或支票支付发票。", language="zh", source="zh"
)


async def test_a_chinese_question_gets_the_chinese_passage(
    tmp_path: Path, embedder: Embedder
) -> None:
    translations = {"zh": [CHINESE]}
    knowledge = Knowledge(open_chroma(None, tmp_path), SECTIONS, embedder, translations, ASKED)
    await knowledge.index()
    best = (await knowledge.search("发票可以用支票付吗", k=1, language="zh"))[0]
    assert (best["id"], best["language"], best["text"]) == ("rules#pay", "zh", CHINESE.text)
    assert best["version"] == CHINESE.version


@pytest.mark.parametrize(
    ("language", "question"),
    [
        ("zh", "取消订单要收费吗"),
        ("ms", "berapa caj kalau batal pesanan"),
        ("ta", "ஆர்டரை ரத்து செய்ய கட்டணம் எவ்வளவு"),
    ],
)
async def test_the_policies_answer_in_other_languages(
    tmp_path: Path, embedder: Embedder, language: str, question: str
) -> None:
    knowledge = Knowledge(open_chroma(None, tmp_path), load_policies(), embedder)
    found = await knowledge.search(question, k=3, language=language)
    assert FEE in {passage["id"] for passage in found}


async def test_a_misspelt_question_is_found_as_it_was_meant(
    tmp_path: Path, embedder: Embedder
) -> None:
    knowledge = Knowledge(open_chroma(None, tmp_path), load_policies(), embedder)
    meant = await knowledge.search("can your pizza boxes go in the oven", k=1)
    found = await knowledge.search("CAN YR PIZA BOXS GO IN TEH OVAN", k=1)
    assert found[0]["id"] == meant[0]["id"] == "products#pizza-boxes-in-the-oven"


@pytest.mark.parametrize(
    ("language", "question"),
    [
        ("en", "is it ok to put the PLA bowl in the microwave"),
        ("zh", "PLA的餐盒微波炉加热几分钟"),
        ("ms", "bekas PLA boleh masuk microwave berapa minit"),
        ("ta", "PLA தட்டை மைக்ரோவேவில் சூடாக்கலாமா"),
    ],
)
async def test_what_holds_for_another_material_is_no_answer(
    tmp_path: Path, embedder: Embedder, language: str, question: str
) -> None:
    knowledge = Knowledge(open_chroma(None, tmp_path), load_policies(), embedder)
    found = [p["id"] for p in await knowledge.search(question, k=4, language=language)]
    assert found[0] == "products#pla-and-rpet-materials"
    assert "products#plastic-trays-and-lids-in-the-microwave" not in found


def test_a_translation_keeps_the_english_ids() -> None:
    english = {section.id for section in load_policies()}
    for language in ("zh", "ms", "ta"):
        assert {section.id for section in load_policies(language)} <= english


@pytest.mark.parametrize(
    ("language", "days", "areas"),
    [
        ("en", "Tuesday, Thursday and Saturday", "Sentosa, Tuas and offshore"),
        ("zh", "星期二、星期四和星期六", "圣淘沙、大士和离岛"),
        ("ms", "Selasa, Khamis dan Sabtu", "Sentosa, Tuas dan luar pesisir"),
        ("ta", "செவ்வாய், வியாழன் மற்றும் சனி", "செந்தோசா, துவாஸ் மற்றும் கடல்தீவுகள்"),
    ],
)
def test_the_last_of_a_list_follows_an_and(language: str, days: str, areas: str) -> None:
    values = policy_values(language)
    assert (values["delivery.days"], values["delivery.remote_areas"]) == (days, areas)
    assert values["payment.net_days"].isdecimal()


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
    assert "on Tuesday, Thursday and Saturday." in texts["delivery#delivery-days-and-time-slots"]
    assert "Act 2012" in texts["privacy#how-we-protect-personal-data"]
