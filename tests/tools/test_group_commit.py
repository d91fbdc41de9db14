import asyncio
import contextlib
import os
import signal
import threading
from collections.abc import AsyncIterator, Iterator
from uuid import uuid4

import psycopg
import pytest

from tools.database import Pool, fetch_all, fetch_one, make_pool
from tools.embedded.postgres import FAST_AND_FORGETFUL, Postgres
from tools.group_commit import (
    Bounds,
    GroupCommit,
    Statement,
    WritesClosed,
    WritesFull,
    WriteUnanswered,
)

INSERT = "insert into things (id, value) values (%s, %s) on conflict do nothing"
CREATE = "create table if not exists things (id text primary key, value jsonb)"
OTHERS = "select pid from pg_stat_activity where backend_type = 'client backend' and pid <> %s"
NOT_JSON, NO_UNICODE = "no JSON", "\ud800"


def thing(name: str, value: str = "{}") -> list[Statement]:
    return [Statement(INSERT, [(name, value)])]


def names(count: int) -> list[str]:
    return [uuid4().hex for _ in range(count)]


async def stored(pool: Pool, wanted: list[str]) -> set[str]:
    rows = await fetch_all(pool, "select id from things where id = any(%s)", [wanted])
    return {row["id"] for row in rows}


async def transactions(pool: Pool, wanted: list[str]) -> int:
    """In how many transactions the rows were written."""
    query = "select count(distinct xmin::text) as n from things where id = any(%s)"
    row = await fetch_one(pool, query, [wanted])
    assert row
    return int(row["n"])


@pytest.fixture
async def commits(pool: Pool) -> AsyncIterator[GroupCommit]:
    async with pool.connection() as connection:
        await connection.execute(CREATE)
    commits = GroupCommit(pool)
    yield commits
    await commits.aclose()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Postgres]:
    """A Postgres to be stopped, hung and started again."""
    server = Postgres(tmp_path_factory.mktemp("unsteady"), FAST_AND_FORGETFUL)
    yield server
    server.stop()


async def test_what_comes_at_once_is_committed_together(commits: GroupCommit, pool: Pool) -> None:
    wanted = names(100)
    await asyncio.gather(*(commits.write(thing(name)) for name in wanted))
    assert await stored(pool, wanted) == set(wanted)
    assert await transactions(pool, wanted) == 1


async def test_what_comes_during_a_commit_goes_with_the_next_one(
    commits: GroupCommit, pool: Pool
) -> None:
    first, *later = names(50)
    under_way = asyncio.create_task(commits.write(thing(first)))
    await asyncio.sleep(0.001)
    await asyncio.gather(under_way, *(commits.write(thing(name)) for name in later))
    assert await stored(pool, [first, *later]) == {first, *later}
    assert await transactions(pool, [first, *later]) <= 3


async def test_each_write_returns_only_when_its_rows_can_be_read(
    commits: GroupCommit, pool: Pool
) -> None:
    async def write_and_look(name: str) -> set[str]:
        await commits.write(thing(name))
        return await stored(pool, [name])

    wanted = names(30)
    assert await asyncio.gather(*map(write_and_look, wanted)) == [{name} for name in wanted]


@pytest.mark.parametrize("value", [NOT_JSON, NO_UNICODE], ids=["by Postgres", "before it is sent"])
@pytest.mark.parametrize("place", [0, 7, 15])
async def test_a_refused_row_is_its_own_callers_alone(
    commits: GroupCommit, pool: Pool, value: str, place: int
) -> None:
    wanted = names(16)
    writes = [commits.write(thing(n, value if i == place else "{}")) for i, n in enumerate(wanted)]
    outcomes = await asyncio.gather(*writes, return_exceptions=True)
    failed = [i for i, outcome in enumerate(outcomes) if outcome]
    assert failed == [place]
    assert isinstance(outcomes[place], psycopg.DataError | UnicodeEncodeError)
    assert await stored(pool, wanted) == set(wanted) - {wanted[place]}


@pytest.mark.parametrize("value", [NOT_JSON, NO_UNICODE], ids=["by Postgres", "before it is sent"])
async def test_a_write_is_stored_whole_or_not_at_all(
    commits: GroupCommit, pool: Pool, value: str
) -> None:
    good, bad, other = names(3)
    rows = [(good, "{}"), (bad, value)]
    outcomes = await asyncio.gather(
        commits.write([Statement(INSERT, rows)]),
        commits.write(thing(other)),
        return_exceptions=True,
    )
    assert [outcome is None for outcome in outcomes] == [False, True]
    assert await stored(pool, [good, bad, other]) == {other}


async def test_a_refused_row_leaves_no_trace_in_the_next_commit(
    commits: GroupCommit, pool: Pool
) -> None:
    bad, good = names(2)
    with pytest.raises(psycopg.DataError):
        await commits.write(thing(bad, NOT_JSON))
    await commits.write(thing(good))
    assert await stored(pool, [bad, good]) == {good}


async def test_a_cancelled_caller_takes_nothing_from_the_others(
    commits: GroupCommit, pool: Pool
) -> None:
    wanted = names(40)
    writes = [asyncio.create_task(commits.write(thing(name))) for name in wanted]
    await asyncio.sleep(0)
    for write in writes[::2]:
        write.cancel()
    outcomes = await asyncio.gather(*writes, return_exceptions=True)
    assert [isinstance(o, asyncio.CancelledError) for o in outcomes] == [True, False] * 20
    assert set(wanted[1::2]) <= await stored(pool, wanted)


async def test_nothing_is_stored_behind_a_cancelled_caller(
    commits: GroupCommit, pool: Pool
) -> None:
    """Who rolls a turn back deletes its rows when its task has ended: none may follow."""
    wanted = names(30)
    writes = [asyncio.create_task(commits.write(thing(name))) for name in wanted]
    await asyncio.sleep(0)
    for write in writes:
        write.cancel()
    await asyncio.gather(*writes, return_exceptions=True)
    await fetch_all(pool, "delete from things where id = any(%s) returning id", [wanted])
    await commits.write(thing(uuid4().hex))
    assert await stored(pool, wanted) == set()


async def test_closing_writes_what_waits_and_refuses_more(pool: Pool, commits: GroupCommit) -> None:
    closing, wanted = GroupCommit(pool), names(30)
    writes = [asyncio.create_task(closing.write(thing(name))) for name in wanted]
    await asyncio.sleep(0)
    await closing.aclose()
    await asyncio.gather(*writes)
    assert await stored(pool, wanted) == set(wanted)
    with pytest.raises(WritesClosed):
        await closing.write(thing(uuid4().hex))
    await closing.aclose()


async def test_writing_goes_on_after_its_task_was_ended(commits: GroupCommit, pool: Pool) -> None:
    wanted = names(10)
    writes = [asyncio.create_task(commits.write(thing(name))) for name in wanted]
    await asyncio.sleep(0.001)
    [task] = [t for t in asyncio.all_tasks() if t.get_name() == "group commit"]
    task.cancel()
    async with asyncio.timeout(30):
        outcomes = await asyncio.gather(*writes, return_exceptions=True)
    assert all(o is None or isinstance(o, WritesClosed) for o in outcomes)
    after = uuid4().hex
    await commits.write(thing(after))
    assert await stored(pool, [after]) == {after}


async def test_writes_belong_to_the_loop_they_were_opened_in(commits: GroupCommit) -> None:
    seen: list[BaseException] = []

    def elsewhere() -> None:
        try:
            asyncio.run(commits.write(thing(uuid4().hex)))
        except asyncio.InvalidStateError as error:
            seen.append(error)

    thread = threading.Thread(target=elsewhere)
    thread.start()
    await asyncio.to_thread(thread.join, 30)
    assert len(seen) == 1


async def test_connections_ended_by_the_server_lose_nothing(server: Postgres) -> None:
    url = server.start()
    async with make_pool(url, max_size=2) as pool, await connected(url) as admin:
        await admin.execute(CREATE)
        commits, wanted, is_over = GroupCommit(pool), names(600), asyncio.Event()

        async def end_connections() -> int:
            ended = 0
            while not is_over.is_set():
                query = OTHERS.replace("pid from", "pg_terminate_backend(pid) from")
                ended += (await admin.execute(query, [admin.info.backend_pid])).rowcount
                await asyncio.sleep(0.02)
            return ended

        async def write(mine: list[str]) -> None:
            for name in mine:
                await commits.write(thing(name))

        ending = asyncio.create_task(end_connections())
        await asyncio.gather(*(write(wanted[i::20]) for i in range(20)))
        is_over.set()
        assert await ending > 0
        await commits.aclose()
        assert await count(admin, wanted) == 600


async def test_writes_wait_while_the_server_restarts(server: Postgres) -> None:
    url = server.start()
    async with make_pool(url, max_size=2) as pool:
        async with await connected(url) as admin:
            await admin.execute(CREATE)
        commits = GroupCommit(pool, Bounds(patience_seconds=60))
        before, during = names(2)
        await commits.write(thing(before))
        await asyncio.to_thread(server.stop)
        waiting = asyncio.create_task(commits.write(thing(during)))
        await asyncio.sleep(0.3)
        assert not waiting.done()
        await asyncio.to_thread(server.start)
        await waiting
        async with await connected(url) as admin:
            assert await count(admin, [before, during]) == 2
        await commits.aclose()


async def test_a_hanging_connection_is_given_up_for_another(server: Postgres) -> None:
    url = server.start()
    async with make_pool(url, max_size=2) as pool, await connected(url) as admin:
        await admin.execute(CREATE)
        commits = GroupCommit(pool, Bounds(patience_seconds=60, attempt_seconds=1))
        before, after = names(2)
        await commits.write(thing(before))
        async with hanging(await others(admin)):
            async with asyncio.timeout(60):
                await commits.write(thing(after))
            assert await count(admin, [before, after]) == 2
        await commits.aclose()


async def test_a_hanging_server_fails_writes_in_bounded_time_and_memory(server: Postgres) -> None:
    url = server.start()
    async with make_pool(url, max_size=2) as pool, await connected(url) as admin:
        await admin.execute(CREATE)
        bounds = Bounds(patience_seconds=2, attempt_seconds=1, waiting_bytes=100_000)
        commits = GroupCommit(pool, bounds)
        await commits.write(thing(uuid4().hex))
        value = f'"{"x" * 1000}"'
        async with hanging([*await others(admin), server.pid]):
            writes = [asyncio.create_task(commits.write(thing(n, value))) for n in names(200)]
            async with asyncio.timeout(60):
                outcomes = await asyncio.gather(*writes, return_exceptions=True)
        full = sum(isinstance(o, WritesFull) for o in outcomes)
        assert full > 100
        assert sum(isinstance(o, WriteUnanswered) for o in outcomes) == 200 - full
        await commits.write(thing(uuid4().hex))
        await commits.aclose()


Admin = psycopg.AsyncConnection[tuple[int]]


async def connected(url: str) -> Admin:
    return await psycopg.AsyncConnection.connect(url, autocommit=True)


async def others(admin: Admin) -> list[int]:
    """The server's processes for everybody else's connections."""
    found = await (await admin.execute(OTHERS, [admin.info.backend_pid])).fetchall()
    return [pid for (pid,) in found]


async def count(admin: Admin, wanted: list[str]) -> int:
    query = "select count(*) from things where id = any(%s)"
    row = await (await admin.execute(query, [wanted])).fetchone()
    return row[0] if row else 0


@contextlib.asynccontextmanager
async def hanging(pids: list[int]) -> AsyncIterator[None]:
    """Processes that stop answering without ending."""
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)
