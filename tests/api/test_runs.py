"""Runs by the protocol: cancelled, interrupted, rolled back, paused, continued, put off, told."""

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from uuid import uuid4

import httpx
import orjson
import psycopg
import pytest
from fastapi import HTTPException
from langgraph_sdk import get_client
from langgraph_sdk.client import LangGraphClient
from typing_extensions import override

from api.run_webhooks import check_webhook
from graph.settings import Settings
from tests.api.conftest import ONE_TRACE, Serve, colleague, staff_headers
from tests.api.test_approvals import an_order_that_waits, told
from tests.api.test_conversations import a_thread, books, say
from tests.conftest import customer, headers_of
from tests.tools.conftest import Control

QUESTION: dict[str, Any] = {"messages": [{"role": "user", "content": "what do I owe?"}]}
SLOW = "GET /Invoices"


@pytest.fixture
def control(sandbox: dict[str, str]) -> Iterator[Control]:
    control = Control(sandbox["XERO_API_URL"])
    yield control
    control.restore()


async def until(holds: Callable[[], Any], seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while not await holds():
        assert time.monotonic() < end, "it did not happen in time"
        await asyncio.sleep(0.05)


async def status_of(sdk: LangGraphClient, thread: str, run: str) -> str:
    return str((await sdk.runs.get(thread, run))["status"])


async def types_in(sdk: LangGraphClient, thread: str) -> list[str]:
    state = await sdk.threads.get_state(thread)
    return [m["type"] for m in state["values"].get("messages", [])]  # type: ignore[union-attr]


async def a_run_that_hangs(
    sdk: LangGraphClient, control: Control, **options: Any
) -> tuple[str, str]:
    """A thread, and a run of it that waits for Xero."""
    control.fault(SLOW, "hang", times=30)
    thread = await a_thread(sdk)
    run = await sdk.runs.create(thread, "tria", input=QUESTION, **options)

    async def is_running() -> bool:
        return await status_of(sdk, thread, run["run_id"]) == "running"

    await until(is_running)
    return thread, run["run_id"]


class TestCancelling:
    async def test_a_cancelled_run_stops_at_once_and_its_question_stays(
        self, sdk: LangGraphClient, control: Control
    ) -> None:
        thread, run = await a_run_that_hangs(sdk, control)
        started = time.monotonic()
        await sdk.runs.cancel(thread, run, wait=True)
        assert time.monotonic() - started < 8  # what it waited for hangs far longer
        assert await status_of(sdk, thread, run) == "interrupted"
        assert await types_in(sdk, thread) == ["human"]

    async def test_rolled_back_the_run_and_its_question_are_gone(
        self, sdk: LangGraphClient, control: Control
    ) -> None:
        thread, run = await a_run_that_hangs(sdk, control)
        await sdk.runs.cancel(thread, run, wait=True, action="rollback")
        assert await types_in(sdk, thread) == []
        with pytest.raises(httpx.HTTPStatusError) as refused:
            await sdk.runs.get(thread, run)
        assert refused.value.response.status_code == 404

    async def test_its_stream_ends(self, sdk: LangGraphClient, control: Control) -> None:
        thread, run = await a_run_that_hangs(sdk, control, stream_resumable=True)

        async def read() -> list[str]:
            return [part.event async for part in sdk.runs.join_stream(thread, run)]

        reading = asyncio.create_task(read())
        await asyncio.sleep(0.2)
        await sdk.runs.cancel(thread, run)
        assert "error" not in await asyncio.wait_for(reading, 15)

    async def test_an_ended_run_stays_as_it_is(self, sdk: LangGraphClient) -> None:
        thread = await a_thread(sdk)
        await say(sdk, thread, "what do I owe?")
        [run] = await sdk.runs.list(thread)
        await sdk.runs.cancel(thread, run["run_id"], wait=True)
        assert await status_of(sdk, thread, run["run_id"]) == "success"

    async def test_several_at_once(self, sdk: LangGraphClient, control: Control) -> None:
        thread, run = await a_run_that_hangs(sdk, control)
        waiting = await sdk.runs.create(thread, "tria", input=QUESTION)
        await sdk.runs.cancel_many(thread_id=thread, run_ids=[run, waiting["run_id"]])

        async def both_ended() -> bool:
            return {r["status"] for r in await sdk.runs.list(thread)} == {"interrupted"}

        await until(both_ended)

    async def test_the_conversation_goes_on_after_it(
        self, sdk: LangGraphClient, control: Control
    ) -> None:
        thread, run = await a_run_that_hangs(sdk, control)
        await sdk.runs.cancel(thread, run, wait=True)
        control.fault(SLOW, "hang", times=0)
        values = await say(sdk, thread, "what do I owe?")
        assert [m["type"] for m in values["messages"]] == ["human", "human", "ai"]

    async def test_a_yes_under_way_is_written_and_told_all_the_same(
        self, sdk: LangGraphClient, control: Control, sandbox: dict[str, str]
    ) -> None:
        thread = await a_thread(sdk)
        await say(sdk, thread, "200 12 inch boxes for tampines pls")
        before = {i["InvoiceNumber"] for i in books(sandbox)}
        control.fault("PUT /Invoices", "hang")
        yes: dict[str, Any] = {"messages": [{"role": "user", "content": "yes"}]}
        run = await sdk.runs.create(thread, "tria", input=yes)
        puts = control.calls("PUT", "/Invoices")

        async def is_writing() -> bool:
            return control.calls("PUT", "/Invoices") > puts

        await until(is_writing)
        await sdk.runs.cancel(thread, run["run_id"], wait=True, action="rollback")
        control.fault("PUT /Invoices", "hang", times=0)
        assert await status_of(sdk, thread, run["run_id"]) == "interrupted"
        messages = await told(sdk, thread, 4)
        assert messages[-1]["additional_kwargs"]["card"]["status"] == "committed"
        assert len({i["InvoiceNumber"] for i in books(sandbox)} - before) == 1


class TestDoubleTexting:
    @pytest.mark.parametrize(
        ("strategy", "left"),
        [("interrupt", ["human", "human", "ai"]), ("rollback", ["human", "ai"])],
    )
    async def test_a_new_message_may_end_what_is_under_way(
        self, sdk: LangGraphClient, control: Control, strategy: Any, left: list[str]
    ) -> None:
        thread, _ = await a_run_that_hangs(sdk, control)
        follows = await sdk.runs.create(
            thread,
            "tria",
            input=QUESTION,
            multitask_strategy=strategy,
        )
        control.fault(SLOW, "hang", times=0)
        values = await sdk.runs.join(thread, follows["run_id"])
        assert [m["type"] for m in values["messages"]] == left


class TestLeaving:
    async def test_a_run_whose_client_goes_away_goes_on_or_ends_as_was_asked(
        self, http: httpx.AsyncClient, sdk: LangGraphClient, control: Control
    ) -> None:
        for policy, left in (("cancel", "interrupted"), ("continue", "success")):
            control.fault(SLOW, "hang", times=30)
            thread = await a_thread(sdk)
            body = {"assistant_id": "tria", "input": QUESTION, "on_disconnect": policy}
            async with http.stream("POST", f"/threads/{thread}/runs/stream", json=body) as stream:
                async for line in stream.aiter_lines():
                    if line.startswith("event: values"):
                        break
            control.fault(SLOW, "hang", times=0)

            async def is_left(thread: str = thread, left: str = left) -> bool:
                return [r["status"] for r in await sdk.runs.list(thread)] == [left]

            await until(is_left, 40)


class TestPausing:
    async def test_a_run_pauses_before_a_node_and_goes_on_when_nothing_is_said(
        self, sdk: LangGraphClient
    ) -> None:
        thread = await a_thread(sdk)
        values = await sdk.runs.wait(
            thread, "tria", input=QUESTION, interrupt_before=["compose_reply"]
        )
        assert [m["type"] for m in values["messages"]] == ["human"]  # type: ignore[call-overload]
        assert (await sdk.threads.get(thread))["status"] == "interrupted"
        assert (await sdk.threads.get_state(thread))["next"] == ["compose_reply"]
        values = await sdk.runs.wait(thread, "tria")
        assert [m["type"] for m in values["messages"]] == ["human", "ai"]  # type: ignore[call-overload]
        assert (await sdk.threads.get(thread))["status"] == "idle"

    async def test_nothing_is_left_to_continue(self, sdk: LangGraphClient) -> None:
        thread = await a_thread(sdk)
        await say(sdk, thread, "what do I owe?")
        with pytest.raises(httpx.HTTPStatusError) as refused:
            await sdk.runs.wait(thread, "tria")
        assert refused.value.response.status_code == 422
        assert await types_in(sdk, thread) == ["human", "ai"]

    async def test_a_node_that_does_not_exist_is_named(self, sdk: LangGraphClient) -> None:
        thread = await a_thread(sdk)
        with pytest.raises(httpx.HTTPStatusError) as refused:
            await sdk.runs.wait(thread, "tria", input=QUESTION, interrupt_after=["compose"])
        assert refused.value.response.status_code == 422
        assert "compose" in refused.value.response.text


class TestResuming:
    async def test_a_card_may_be_answered_by_resuming(self, sdk: LangGraphClient) -> None:
        thread = await a_thread(sdk)
        card = (await say(sdk, thread, "200 12 inch boxes for tampines pls"))["card"]
        button = {"action_id": card["action_id"], "hash": card["hash"], "decision": "confirm"}
        values = await sdk.runs.wait(thread, "tria", command={"resume": button})
        assert values["card"]["status"] == "committed"  # type: ignore[call-overload]

    async def test_no_customer_decides_for_our_colleagues(self, sdk: LangGraphClient) -> None:
        thread, card = await an_order_that_waits(sdk)
        for resume in (True, {"approved": True}):
            with pytest.raises(httpx.HTTPStatusError) as refused:
                await sdk.runs.wait(thread, "tria", command={"resume": resume})
            assert refused.value.response.status_code == 403
        assert (await sdk.threads.get_state(thread))["values"]["card"]["status"] == "confirmed"  # type: ignore[call-overload]
        assert card["needs_approval"]

    async def test_no_customer_changes_a_turns_state(self, sdk: LangGraphClient) -> None:
        thread = await a_thread(sdk)
        await say(sdk, thread, "what do I owe?")
        commands: list[Any] = [{"update": {"facts": []}}, {"goto": "commit_action"}]
        for command in commands:
            with pytest.raises(httpx.HTTPStatusError) as refused:
                await sdk.runs.wait(thread, "tria", command=command)
            assert refused.value.response.status_code == 403

    async def test_a_colleague_resumes_what_waits_for_them(
        self, sdk: LangGraphClient, operator: LangGraphClient
    ) -> None:
        thread, _ = await an_order_that_waits(sdk)
        await operator.runs.create(thread, "tria", command={"resume": {"approved": True}})
        messages = await told(sdk, thread, 5)
        assert messages[-1]["additional_kwargs"]["card"]["status"] == "committed"

    async def test_no_colleague_says_yes_for_a_customer(
        self, sdk: LangGraphClient, operator: LangGraphClient, sandbox: dict[str, str]
    ) -> None:
        thread = await a_thread(sdk)
        await say(sdk, thread, "200 12 inch boxes for tampines pls")
        await say(sdk, thread, "thanks, let me think about it")
        before = len(books(sandbox))
        for goto in ("confirm_action", "commit_action", "await_approval"):
            with pytest.raises(httpx.HTTPStatusError) as refused:
                await operator.runs.wait(thread, "tria", command={"goto": goto})
            assert refused.value.response.status_code == 422
        yes = {"intents": [{"name": "confirm"}], "wants": [], "entities": []}
        updates: list[Any] = [
            {"understanding": yes},
            {"turn": {}},
            {"decision": {"approved": True}},
        ]
        for update in updates:
            with pytest.raises(httpx.HTTPStatusError):
                await operator.runs.wait(
                    thread, "tria", command={"update": update, "goto": "call_xero_tools"}
                )
        assert len(books(sandbox)) == before

    async def test_a_customers_forged_command_beside_a_message_is_refused(
        self, sdk: LangGraphClient
    ) -> None:
        thread = await a_thread(sdk)
        with pytest.raises(httpx.HTTPStatusError) as refused:
            await sdk.runs.wait(
                thread,
                "tria",
                input=QUESTION,
                interrupt_before=["compose_reply"],
                command={"update": {"facts": []}},
            )
        assert refused.value.response.status_code == 403
        assert await sdk.runs.list(thread) == []

    async def test_a_colleague_may_send_a_turn_on(
        self, sdk: LangGraphClient, operator: LangGraphClient
    ) -> None:
        thread = await a_thread(sdk)
        await say(sdk, thread, "what do I owe?")
        await operator.runs.wait(thread, "tria", command={"goto": "adapt_tone"})
        assert await types_in(sdk, thread) == ["human", "ai"]
        assert len(await sdk.runs.list(thread)) == 2

    async def test_a_colleague_says_nothing_in_a_customers_name(
        self, sdk: LangGraphClient, operator: LangGraphClient
    ) -> None:
        thread = await a_thread(sdk)
        await say(sdk, thread, "what do I owe?")
        with pytest.raises(httpx.HTTPStatusError) as refused:
            await operator.runs.wait(thread, "tria", input=QUESTION)
        assert refused.value.response.status_code == 403


@pytest.fixture
async def operator(service_url: str) -> AsyncIterator[LangGraphClient]:
    headers = staff_headers(colleague(-1))
    async with get_client(url=service_url, api_key=None, headers=headers) as client:
        yield client


class TestGoingBack:
    async def test_an_answer_is_given_again_and_stands_once(self, sdk: LangGraphClient) -> None:
        thread = await a_thread(sdk)
        await say(sdk, thread, "what do I owe?")
        state = await sdk.threads.get_state(thread)
        values = await sdk.runs.wait(thread, "tria", checkpoint=state["checkpoint"])
        assert [m["type"] for m in values["messages"]] == ["human", "ai"]  # type: ignore[call-overload]
        assert values["messages"][1]["id"] != state["values"]["messages"][1]["id"]  # type: ignore[call-overload]
        assert len(await sdk.runs.list(thread)) == 2

    async def test_a_placed_order_answered_again_is_placed_once(
        self, sdk: LangGraphClient, sandbox: dict[str, str]
    ) -> None:
        thread = await a_thread(sdk)
        await say(sdk, thread, "200 12 inch boxes for tampines pls")
        await say(sdk, thread, "yes")
        state, before = await sdk.threads.get_state(thread), len(books(sandbox))
        values = await sdk.runs.wait(thread, "tria", checkpoint=state["checkpoint"])
        assert values["card"]["status"] == "committed"  # type: ignore[call-overload]
        assert len(books(sandbox)) == before

    async def test_something_else_may_be_said_at_an_earlier_moment(
        self, sdk: LangGraphClient
    ) -> None:
        thread = await a_thread(sdk)
        await say(sdk, thread, "what do I owe?")
        early = (await sdk.threads.get_state(thread))["checkpoint"]
        await say(sdk, thread, "200 12 inch boxes for tampines pls")
        values = await sdk.runs.wait(thread, "tria", input=QUESTION, checkpoint=early)
        assert [m["type"] for m in values["messages"]] == ["human", "ai"] * 2  # type: ignore[call-overload]
        assert "boxes" not in values["messages"][2]["content"]  # type: ignore[call-overload]
        # The card of the turn that is gone can no longer be meant.
        after = await say(sdk, thread, "yes")
        assert after.get("card", {}).get("status") != "committed"

    async def test_the_last_moment_is_no_branch(self, sdk: LangGraphClient) -> None:
        thread = await a_thread(sdk)
        card = (await say(sdk, thread, "200 12 inch boxes for tampines pls"))["card"]
        last = (await sdk.threads.get_state(thread))["checkpoint"]
        yes: dict[str, Any] = {"messages": [{"role": "user", "content": "yes"}]}
        values = await sdk.runs.wait(thread, "tria", input=yes, checkpoint=last)
        assert values["card"]["status"] == "committed"  # type: ignore[call-overload]
        assert values["card"]["total"] == card["total"]  # type: ignore[call-overload]

    async def test_a_foreign_conversation_is_a_missing_one_here_too(
        self, sdk: LangGraphClient, service_url: str
    ) -> None:
        paused = await a_thread(sdk)
        await sdk.runs.wait(paused, "tria", input=QUESTION, interrupt_before=["compose_reply"])
        checkpoint = (await sdk.threads.get_state(paused))["checkpoint"]["checkpoint_id"]
        stranger = headers_of(customer(1)) | ONE_TRACE
        async with httpx.AsyncClient(base_url=service_url, headers=stranger) as http:
            for more in ({}, {"checkpoint_id": checkpoint}, {"input": QUESTION}):
                body = {"assistant_id": "tria", "checkpoint_id": checkpoint} | more
                answers = []
                for thread in (paused, str(uuid4())):
                    answer = await http.post(f"/threads/{thread}/runs", json=body)
                    answers.append((answer.status_code, answer.text.replace(thread, "")))
                assert answers[0] == answers[1]
                assert answers[0][0] == 404

    async def test_a_moment_that_does_not_exist(self, sdk: LangGraphClient) -> None:
        thread = await a_thread(sdk)
        for input_ in (QUESTION, None):
            with pytest.raises(httpx.HTTPStatusError) as refused:
                await sdk.runs.wait(thread, "tria", input=input_, checkpoint_id="no-such")
            assert refused.value.response.status_code == 404


class TestWithoutAConversation:
    async def test_one_question_is_answered(self, sdk: LangGraphClient) -> None:
        values = await sdk.runs.wait(None, "tria", input=QUESTION)
        assert "You owe" in values["messages"][-1]["content"]  # type: ignore[call-overload]

    async def test_streamed(self, sdk: LangGraphClient) -> None:
        parts = [p async for p in sdk.runs.stream(None, "tria", input=QUESTION)]
        assert [parts[0].event, parts[-1].event] == ["metadata", "values"]

    async def test_several_at_once(self, sdk: LangGraphClient) -> None:
        asked = {"assistant_id": "tria", "input": QUESTION}
        runs = await sdk.runs.create_batch([asked, asked])  # type: ignore[list-item]
        assert len({r["thread_id"] for r in runs}) == 2
        for run in runs:
            values = await sdk.runs.join(run["thread_id"], run["run_id"])
            assert "You owe" in values["messages"][-1]["content"]


class TestLater:
    async def test_a_run_put_off_is_part_of_the_conversation_only_then(
        self, sdk: LangGraphClient
    ) -> None:
        thread = await a_thread(sdk)
        later = await sdk.runs.create(thread, "tria", input=QUESTION, after_seconds=3)
        assert later["status"] == "pending"
        now = await say(sdk, thread, "do you sell cups?")
        assert [m["type"] for m in now["messages"]] == ["human", "ai"]
        values = await sdk.runs.join(thread, later["run_id"])
        assert [m["content"] for m in values["messages"] if m["type"] == "human"] == [
            "do you sell cups?",
            "what do I owe?",
        ]


class Heard(BaseHTTPRequestHandler):
    posts: list[dict[str, Any]]
    refusals: int
    together: threading.Barrier

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        type(self).together.wait()
        is_refused = type(self).refusals > 0
        type(self).refusals -= is_refused
        self.send_response(503 if is_refused else 200)
        self.end_headers()
        if not is_refused:
            type(self).posts.append(orjson.loads(body))

    @override
    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def listener() -> Iterator[tuple[str, type[Heard]]]:
    heard = type("Heard", (Heard,), {"posts": [], "refusals": 1, "together": threading.Barrier(1)})
    server = ThreadingHTTPServer(("127.0.0.1", 0), heard)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"127.0.0.1:{server.server_port}", heard
    server.shutdown()
    server.server_close()


class TestWebhooks:
    async def test_an_ended_run_is_told_until_it_is_taken(
        self, serve: Serve, listener: tuple[str, type[Heard]]
    ) -> None:
        host, heard = listener
        url = serve(TRIA_WEBHOOK_HOSTS=host)
        async with get_client(url=url, api_key=None, headers=headers_of(customer())) as sdk:
            thread = await a_thread(sdk)
            run = await sdk.runs.create(
                thread, "tria", input=QUESTION, webhook=f"http://{host}/hook"
            )

            async def is_told() -> bool:
                return bool(heard.posts)

            await until(is_told, 40)
            [post] = heard.posts
            assert (post["run_id"], post["status"]) == (run["run_id"], "success")
            assert post["values"]["messages"][-1]["type"] == "ai"

    @pytest.mark.parametrize(
        "address",
        [
            *("http://127.0.0.1:9/hook", "https://elsewhere.tria.example/", "file:///etc/passwd"),
            *("x", "https://[", "https://host\u2100/", "https://host:port/", "https://xn--/"),
        ],
    )
    async def test_no_client_chooses_where_we_send(
        self, sdk: LangGraphClient, address: str
    ) -> None:
        thread = await a_thread(sdk)
        with pytest.raises(httpx.HTTPStatusError) as refused:
            await sdk.runs.create(thread, "tria", input=QUESTION, webhook=address)
        assert refused.value.response.status_code == 422
        assert await sdk.runs.list(thread) == []

    @pytest.mark.parametrize("end", ["/\n", "/\x1f", "@elsewhere.tria.example/", "\\@x/", ":x/"])
    def test_only_the_address_that_is_sent_to_is_judged(self, settings: Settings, end: str) -> None:
        ours = settings.model_copy(update={"tria_webhook_hosts": ("hooks.tria.example",)})
        check_webhook("https://hooks.tria.example/runs?x=1", ours)
        with pytest.raises(HTTPException):
            check_webhook(f"https://hooks.tria.example{end}", ours)

    async def test_no_host_waits_for_another_and_no_bad_address_stops_the_rest(
        self, serve: Serve, own_database: str, listener: tuple[str, type[Heard]]
    ) -> None:
        host, heard = listener
        heard.refusals, heard.together = 0, threading.Barrier(3, timeout=4)
        url = serve(TRIA_WEBHOOK_HOSTS=host)
        async with get_client(url=url, api_key=None, headers=headers_of(customer())) as sdk:
            threads = [await a_thread(sdk) for _ in range(4)]
            for thread in threads:
                await say(sdk, thread, "what do I owe?")
        with psycopg.connect(own_database, autocommit=True) as connection:
            connection.execute(
                "update runs set webhook_after = now(), webhook = case when thread_id = %s"
                " then %s else %s end",
                [threads[0], f"http://{host}/\n", f"http://{host}/hook"],
            )

            async def are_told() -> bool:
                return len(heard.posts) == 3

            await until(are_told, 40)
            tries = "select webhook_tries from runs where webhook_done_at is not null"

            async def are_done() -> bool:
                return connection.execute(tries).fetchall() == [(1,)] * 3

            await until(are_done, 20)


async def test_a_run_can_be_forgotten_when_it_has_ended(
    sdk: LangGraphClient, control: Control
) -> None:
    thread, run = await a_run_that_hangs(sdk, control)
    with pytest.raises(httpx.HTTPStatusError) as refused:
        await sdk.runs.delete(thread, run)
    assert refused.value.response.status_code == 409
    await sdk.runs.cancel(thread, run, wait=True)
    await sdk.runs.delete(thread, run)
    assert await types_in(sdk, thread) == []


async def test_runs_are_listed_by_status(sdk: LangGraphClient) -> None:
    thread = await a_thread(sdk)
    await say(sdk, thread, "what do I owe?")
    assert len(await sdk.runs.list(thread, status="success")) == 1
    assert await sdk.runs.list(thread, status="error") == []
