import base64
import json
import struct
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from langchain_core.messages import HumanMessage, SystemMessage
from langchain_openai import ChatOpenAI, OpenAIEmbeddings
from pydantic import BaseModel, SecretStr

KEY = {"Authorization": "Bearer any-key"}
FACTS = "<facts>\nYou owe SGD 354.25.\nIt is due on 2026-03-02.\n</facts>"
Json = dict[str, Any]


def body(**changes: Any) -> Json:
    return {"model": "m", "messages": [{"role": "user", "content": FACTS}], **changes}


def chat(http: httpx.Client, **changes: Any) -> httpx.Response:
    return http.post("/openai/v1/chat/completions", json=body(**changes), headers=KEY)


def set_mode(http: httpx.Client, **settings: Any) -> None:
    http.post("/control/model", json=settings).raise_for_status()


def events(answer: httpx.Response) -> list[Json]:
    lines = [line for line in answer.text.split("\n\n") if line]
    return [json.loads(line.removeprefix("data: ")) for line in lines if line != "data: [DONE]"]


@pytest.mark.parametrize("path", ["/models", "/embeddings", "/chat/completions"])
def test_a_key_is_needed(http: httpx.Client, path: str) -> None:
    method = "GET" if path == "/models" else "POST"
    answer = http.request(method, f"/openai/v1{path}", json=body(input="x"))

    assert answer.status_code == 401
    assert answer.json()["error"]["code"] == "invalid_api_key"


def test_the_models(http: httpx.Client) -> None:
    assert http.get("/openai/v1/models", headers=KEY).json()["data"][0]["object"] == "model"


def test_a_whole_answer(http: httpx.Client) -> None:
    answer = chat(http).json()
    choice = answer["choices"][0]

    assert answer["object"] == "chat.completion"
    assert choice["message"]["content"] == "You owe SGD 354.25. It is due on 2026-03-02."
    assert choice["finish_reason"] == "stop"
    assert answer["usage"]["total_tokens"] > 0


def test_a_stream_has_a_role_pieces_a_finish_and_usage(http: httpx.Client) -> None:
    answer = chat(http, stream=True, stream_options={"include_usage": True})
    first, *pieces, last, usage = events(answer)

    assert answer.headers["content-type"].startswith("text/event-stream")
    assert first["choices"][0]["delta"]["role"] == "assistant"
    text = "".join(p["choices"][0]["delta"]["content"] for p in pieces)
    assert text == "You owe SGD 354.25. It is due on 2026-03-02."
    assert last["choices"][0]["finish_reason"] == "stop"
    assert usage["choices"] == []
    assert usage["usage"]["completion_tokens"] > 0
    assert answer.text.endswith("data: [DONE]\n\n")


def test_lies(http: httpx.Client) -> None:
    set_mode(http, mode="lying")
    text = chat(http).json()["choices"][0]["message"]["content"]

    assert "454.25" in text
    assert "2026-03-09" in text
    assert "INV-" in text


def test_lies_of_one_kind_repeat_with_their_seed(http: httpx.Client) -> None:
    def told(seed: int) -> str:
        set_mode(http, mode="lying", lies="contact", seed=seed)
        return str(chat(http).json()["choices"][0]["message"]["content"])

    assert "You owe SGD 354.25." in told(1)
    assert told(1) == told(1)
    assert len({told(seed) for seed in range(8)}) > 3


def test_mixed_lies_are_streamed(http: httpx.Client) -> None:
    set_mode(http, mode="lying", lies="mixed", seed=2)
    first, *pieces, _last = events(chat(http, stream=True))
    text = "".join(p["choices"][0]["delta"]["content"] for p in pieces)

    assert first["choices"][0]["delta"]["role"] == "assistant"
    assert text not in ("", "You owe SGD 354.25. It is due on 2026-03-02.")


def test_a_rate_limit_says_when_to_come_back(http: httpx.Client) -> None:
    set_mode(http, mode="error_429", retry_after=0.5)

    assert chat(http).headers["Retry-After"] == "0.5"


@pytest.mark.parametrize("is_streamed", [True, False])
def test_a_connection_that_breaks(http: httpx.Client, is_streamed: bool) -> None:  # noqa: FBT001
    set_mode(http, mode="broken", after_pieces=2)

    with pytest.raises(httpx.RemoteProtocolError):
        chat(http, stream=is_streamed)


def test_an_answer_of_garbage(http: httpx.Client) -> None:
    set_mode(http, mode="garbage", after_pieces=1)

    with pytest.raises(json.JSONDecodeError):
        chat(http).json()
    with pytest.raises(json.JSONDecodeError):
        events(chat(http, stream=True))


@pytest.mark.parametrize("is_streamed", [True, False])
def test_an_answer_that_never_begins(http: httpx.Client, is_streamed: bool) -> None:  # noqa: FBT001
    set_mode(http, mode="timeout")
    http.timeout = httpx.Timeout(0.3)

    with pytest.raises(httpx.ReadTimeout):
        chat(http, stream=is_streamed)


@pytest.mark.parametrize(
    ("mode", "status"), [("error_500", 500), ("error_503", 503), ("error_429", 429)]
)
def test_an_error_for_a_number_of_calls(http: httpx.Client, mode: str, status: int) -> None:
    set_mode(http, mode=mode, times=1)

    assert [chat(http).status_code for _ in range(2)] == [status, 200]


def test_a_stream_that_is_cut_off(http: httpx.Client) -> None:
    set_mode(http, mode="truncate", after_pieces=2)
    answer = chat(http, stream=True)

    assert len(events(answer)) == 3
    assert all(e["choices"][0]["finish_reason"] is None for e in events(answer))
    assert "[DONE]" not in answer.text


def test_a_stream_that_stalls(http: httpx.Client) -> None:
    set_mode(http, mode="stall", after_pieces=1)
    request: Json = {"json": body(stream=True), "headers": KEY, "timeout": 0.3}

    with (
        http.stream("POST", "/openai/v1/chat/completions", **request) as answer,
        pytest.raises(httpx.ReadTimeout),
    ):
        received(answer.iter_lines())


def received(lines: Iterator[str]) -> list[str]:
    return list(lines)


def test_a_slow_stream_ends_well(http: httpx.Client) -> None:
    set_mode(http, mode="slow", seconds=0.001)

    assert events(chat(http, stream=True))[-1]["choices"][0]["finish_reason"] == "stop"


def test_a_script_is_followed_and_then_empty(http: httpx.Client) -> None:
    tool = {"tool_calls": [{"name": "list_invoices", "arguments": {"state": "open"}}]}
    set_mode(http, mode="scripted", replies=["One.", tool])
    first, second, third = (chat(http) for _ in range(3))

    assert first.json()["choices"][0]["message"]["content"] == "One."
    call = second.json()["choices"][0]["message"]["tool_calls"][0]["function"]
    assert (call["name"], json.loads(call["arguments"])) == ("list_invoices", {"state": "open"})
    assert third.status_code == 500


def test_calls_are_recorded(http: httpx.Client) -> None:
    before = http.get("/control/model/calls").json()["count"]
    chat(http, user="u1")
    calls = http.get("/control/model/calls").json()

    assert calls["count"] == before + 1
    assert calls["bodies"][-1]["user"] == "u1"


class Answer(BaseModel):
    """What a customer wants."""

    intent: str
    confidence: float


@pytest.fixture
def model(url: str) -> ChatOpenAI:
    return ChatOpenAI(
        model="sandbox-chat",
        base_url=f"{url}/openai/v1",
        api_key=SecretStr("any-key"),
        max_retries=0,
        stream_usage=True,
    )


@pytest.mark.parametrize("method", ["json_schema", "function_calling"])
def test_the_real_client_gets_a_form_filled(
    http: httpx.Client, model: ChatOpenAI, method: Any
) -> None:
    set_mode(http, form={"intent": "balance", "confidence": 0.5})
    form = model.with_structured_output(Answer, method=method).invoke("what do I owe?")

    assert form == Answer(intent="balance", confidence=0.5)


async def test_the_real_client_reads_a_stream(model: ChatOpenAI) -> None:
    messages = [SystemMessage(FACTS), HumanMessage("what do I owe?")]
    chunks = [chunk async for chunk in model.astream(messages)]

    assert "".join(str(c.text) for c in chunks).startswith("You owe SGD 354.25.")
    assert any(chunk.usage_metadata for chunk in chunks)


def test_embeddings_of_like_texts_are_alike(url: str) -> None:
    client = OpenAIEmbeddings(
        openai_api_base=f"{url}/openai/v1",
        openai_api_key=SecretStr("any-key"),
        check_embedding_ctx_length=False,
    )
    one, near, far = client.embed_documents(["pizza box price", "pizza box", "late refund"])

    def likeness(other: list[float]) -> float:
        return sum(a * b for a, b in zip(one, other, strict=True))

    assert likeness(near) > 0.5 > abs(likeness(far))


def test_embeddings_as_base64(http: httpx.Client) -> None:
    request = {"input": "box", "model": "m", "dimensions": 8, "encoding_format": "base64"}
    answer = http.post("/openai/v1/embeddings", json=request, headers=KEY).json()

    raw = base64.b64decode(answer["data"][0]["embedding"])
    assert len(struct.unpack("<8f", raw)) == 8
