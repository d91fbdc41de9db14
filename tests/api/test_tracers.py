"""What LangSmith is sent where the environment turns it on."""

import json
from collections.abc import Iterator

import pytest
from langchain_core.runnables import RunnableLambda
from langsmith import configure, utils
from langsmith.run_trees import get_cached_client
from langsmith.utils import tracing_is_enabled
from pydantic import BaseModel, ValidationError

from api.tracers import mask_tracers
from tests.evals.langsmith_server import KEY, LangSmithServer, langsmith_running

SAID = "my name is Zebulon Quark, 9123 4567 zq@tria.example, where is INV-1657?"
PERSONAL = ("Zebulon", "9123", "zq@")


@pytest.fixture
def switched_on(monkeypatch: pytest.MonkeyPatch) -> Iterator[LangSmithServer]:
    """An environment in which tracing is on, and a server to trace to; the key is not set."""
    with langsmith_running() as server:
        monkeypatch.setenv("LANGSMITH_TRACING", "true")
        monkeypatch.setenv("LANGSMITH_ENDPOINT", server.url)
        monkeypatch.delenv("LANGSMITH_API_KEY", raising=False)
        configure(client=None, enabled=None)
        forget_environment()
        yield server
    configure(client=None, enabled=None)
    forget_environment()


def forget_environment() -> None:
    """LangSmith reads each variable once."""
    vars(utils)["get_env_var"].cache_clear()


def reply(state: dict[str, str]) -> dict[str, str]:
    return {"reply": f"you said: {state['text']}"}


def fail(state: dict[str, str]) -> dict[str, str]:
    raise ValueError(state["text"])


class Form(BaseModel):
    """What a model fills in."""

    amount: int


def misread(state: dict[str, str]) -> dict[str, str]:
    Form.model_validate({"amount": state["text"]})
    return {}


def test_an_error_that_begins_with_what_it_quotes_tells_nothing(
    switched_on: LangSmithServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LANGSMITH_API_KEY", KEY)
    forget_environment()
    mask_tracers()
    with pytest.raises(ValidationError, match="Zebulon"):
        RunnableLambda(misread).invoke({"text": SAID})
    get_cached_client().flush()
    [failed] = switched_on.runs.values()
    assert failed["error"] == "error"
    assert [word for word in PERSONAL if word in json.dumps(failed)] == []


def test_what_is_sent_of_a_turn_keeps_the_business_and_names_nobody(
    switched_on: LangSmithServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LANGSMITH_API_KEY", KEY)
    forget_environment()
    mask_tracers()
    RunnableLambda(reply).invoke({"text": SAID}, {"metadata": {"said": SAID}})
    with pytest.raises(ValueError, match="Zebulon"):
        RunnableLambda(fail).invoke({"text": SAID})
    get_cached_client().flush()
    told, failed = sorted(switched_on.runs.values(), key=lambda run: run["name"] == "fail")
    for part in ("inputs", "outputs", "extra"):
        assert "INV-1657" in json.dumps(told[part]), part
    assert failed["error"] == "ValueError"
    sent = json.dumps([told, failed])
    assert [word for word in PERSONAL if word in sent] == []


def test_without_a_key_nothing_is_sent(switched_on: LangSmithServer) -> None:
    assert tracing_is_enabled()
    mask_tracers()
    assert not tracing_is_enabled()
    RunnableLambda(reply).invoke({"text": SAID})
    assert switched_on.runs == {}
