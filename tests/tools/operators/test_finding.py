"""One box finds conversations by whatever somebody has of them, and shows nothing personal."""

from uuid import UUID, uuid4

import pytest
from psycopg.types.json import Jsonb

from graph.inspection.masking import mask
from tests.tools.conftest import a_run
from tests.tools.operators.conversations import (
    a_card,
    a_conversation,
    a_ticket,
    a_turn,
    execute,
)
from tools.database import Pool, fetch_one
from tools.operators.finding import Finding
from tools.operators.listing import Choice, Listing, Place
from tools.runs import Runs


@pytest.fixture
def finding(pool: Pool) -> Finding:
    return Finding(pool, mask)


async def found(finding: Finding, asked: str) -> list[tuple[UUID, str]]:
    return [(row["thread_id"], row["kind"]) for row in (await finding.search(asked)).rows]


async def test_by_an_id_or_its_beginning(finding: Finding, pool: Pool) -> None:
    thread = await a_conversation(pool)
    run = await a_turn(pool, thread)
    assert await found(finding, str(thread)) == [(thread, "conversation")]
    assert await found(finding, str(thread).upper()) == [(thread, "conversation")]
    assert await found(finding, str(thread)[:13]) == [(thread, "conversation")]
    assert await found(finding, f" {run} ") == [(thread, "run")]
    assert await found(finding, str(run)[:8]) == [(thread, "run")]
    assert await found(finding, str(uuid4())) == []


async def test_by_a_ticket_as_it_is_told(finding: Finding, pool: Pool) -> None:
    thread = await a_conversation(pool)
    await a_ticket(pool, thread)
    row = await fetch_one(pool, "select ticket_id from tickets where thread_id = %s", [thread])
    assert row
    for asked in (f"T-{row['ticket_id']:06}", f"t{row['ticket_id']}", f"T-{row['ticket_id']}"):
        assert await found(finding, asked) == [(thread, "ticket")]
    assert await found(finding, "T-999999999") == []


async def test_by_a_document_in_cards_and_messages(finding: Finding, pool: Pool) -> None:
    ours, about, wrote, other = [await a_conversation(pool) for _ in range(4)]
    await a_card(pool, ours, status="committed", document_number="TRIA-0077123")
    await a_card(pool, about, status="committed", card=Jsonb({"invoice": "INV-0077123"}))
    await a_turn(pool, wrote, "is inv 77123 paid?")
    await a_turn(pool, other, "is INV-771234 paid? and what of INV-12 at 0077123?")
    assert await found(finding, "tria-77123") == [(ours, "document")]
    assert await found(finding, "INV-0077123") == [(about, "document"), (wrote, "words")]


async def test_by_the_customers_name_company_and_id(finding: Finding, pool: Pool) -> None:
    customer = f"kueh-{uuid4()}"
    scope = {"customer_id": customer, "name": "Meenakshi Pillai", "company": "Kueh Paradise"}
    threads = [await a_conversation(pool, customer) for _ in range(2)]
    for thread in threads:
        await Runs(pool, "a test").create(a_run(thread, customer_id=customer, scope=scope))
    for asked in ("meenakshi", "kueh paradise", customer):
        result = await finding.search(asked)
        assert {row["thread_id"] for row in result.rows} == set(threads)
        assert [c["customer_id"] for c in result.customers] == [customer]
        assert result.customers[0]["conversations"] == 2
        assert "Meenakshi" not in str(result)


@pytest.mark.parametrize(
    ("said", "asked", "not_asked"),
    [
        ("The zanzibar lids leak!", "leak ZANZIBAR", "zanzibar sealed"),
        ("The quokkas arrived late", "quokk arriv", "okkas"),
        ("请问牛皮纸袋鼠什么时候送到？", "袋鼠", "鼠袋"),
        ("我要三只獴", "獴", "獾"),
        ("Boleh hantar cicakman esok?", "cicakman", "cicakwoman"),
        ("எனது அணில்குஞ்சு எங்கே?", "அணில்குஞ்சு", "அணிலே"),
        ("买platypus箱", "platypus箱", "platypus袋"),
    ],
)
async def test_by_words_in_every_language(
    finding: Finding, pool: Pool, said: str, asked: str, not_asked: str
) -> None:
    thread = await a_conversation(pool)
    await a_turn(pool, thread, said)
    assert await found(finding, asked) == [(thread, "words")]
    assert await found(finding, not_asked) == []


@pytest.mark.parametrize(
    "asked",
    ["", "   ", "!!!", "'", "a & | ! ( ) :*", "\\", "%", "_", "\0", "' or 1=1 --", "x" * 999],
)
async def test_whatever_is_typed_is_only_looked_for(finding: Finding, asked: str) -> None:
    assert isinstance((await finding.search(asked)).rows, list)


async def test_a_message_of_any_length_and_signs_can_be_stored(pool: Pool) -> None:
    thread = await a_conversation(pool)
    for said in ("x" * 100_000, "界" * 50_000, "👍🏽 \u200b\u202e", "a\n\tb", ""):
        await a_turn(pool, thread, said)


async def test_hits_show_the_word_and_nothing_personal(finding: Finding, pool: Pool) -> None:
    thread = await a_conversation(pool)
    said = "hello " * 60 + "call Aisyah Rahman at 9123 4567 for the wombats " + "bye " * 60
    await a_turn(pool, thread, said)
    [row] = (await finding.search("wombats")).rows
    assert "wombats" in row["found"]
    assert len(row["found"]) < 200
    for secret in ("9123", "Aisyah"):
        assert secret not in str(row)
    assert [row["thread_id"] for row in (await finding.search("wombats 9123")).rows] == [thread]


async def test_one_conversation_is_one_hit_and_the_latest_stands_first(
    finding: Finding, pool: Pool
) -> None:
    first, second = [await a_conversation(pool) for _ in range(2)]
    for thread in (first, second, first):
        await a_turn(pool, thread, "the axolotls are here")
    assert await found(finding, "axolotls") == [(first, "words"), (second, "words")]


async def test_all_conversations_by_key_while_others_come(pool: Pool) -> None:
    listing, customer = Listing(pool, mask), str(uuid4())
    threads = [await a_conversation(pool, customer) for _ in range(5)]
    for age, thread in enumerate(threads):
        await a_turn(pool, thread, ago_s=60 * (age + 1))
    first = await listing.page(Choice(customer=customer), limit=2)
    newest = await a_conversation(pool, customer)
    assert first.following
    rest = await listing.page(Choice(customer=customer), Place.read(str(first.following)), limit=9)
    assert [r["thread_id"] for r in [*first.rows, *rest.rows]] == threads
    assert rest.following is None
    again = await listing.page(Choice(customer=customer))
    assert again.rows[0]["thread_id"] == newest


async def test_conversations_of_one_state(pool: Pool) -> None:
    listing, customer = Listing(pool, mask), str(uuid4())
    states = {}
    for status in ("succeeded", "failed", "interrupted", "queued"):
        states[status] = await a_conversation(pool, customer)
        await a_turn(pool, states[status], status=status)
    repaired = await a_conversation(pool, customer)
    for status in ("failed", "succeeded"):
        await a_turn(pool, repaired, status=status)
    await execute(
        pool, "update threads set resolution = 'reopened' where thread_id = %(t)s", t=repaired
    )

    async def of(choice: Choice) -> set[UUID]:
        return {row["thread_id"] for row in (await listing.page(choice)).rows}

    assert await of(Choice("error", customer=customer)) == {states["failed"]}
    assert await of(Choice("interrupted", customer=customer)) == {states["interrupted"]}
    assert await of(Choice("busy", customer=customer)) == {states["queued"]}
    assert await of(Choice("idle", customer=customer)) == {states["succeeded"], repaired}
    assert await of(Choice(resolution="reopened", customer=customer)) == {repaired}
