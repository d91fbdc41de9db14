"""What a restored database must not do again: give out numbers that the books hold."""

import psycopg
import pytest

from tools.database import migrate
from tools.restores import LEFT_OUT, step_over

EARLIER = "update servers set timeline = timeline - 1"


@pytest.fixture
async def url(database: str) -> str:
    await migrate(database)
    return database


def next_number(url: str) -> int:
    with psycopg.connect(url, autocommit=True) as connection:
        [number] = connection.execute("select nextval('document_numbers')").fetchone() or (0,)
    return int(number)


async def test_a_database_that_goes_on_where_it_was_keeps_its_numbers(url: str) -> None:
    assert await step_over(url) is None  # the first time says nothing yet
    before = next_number(url)
    assert await step_over(url) is None
    assert next_number(url) == before + 1


async def test_one_that_was_restored_leaves_out_what_may_be_taken(url: str) -> None:
    await step_over(url)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(EARLIER)  # it was seen on another line of history
    before = next_number(url)
    left_out = await step_over(url)
    assert left_out == (before + 1, before + 1 + LEFT_OUT)
    assert next_number(url) == before + 2 + LEFT_OUT
    assert await step_over(url) is None  # once
