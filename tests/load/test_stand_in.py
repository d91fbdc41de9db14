"""The model of the load suite takes its time as models do."""

import time
from collections.abc import Iterator
from typing import cast

import httpx
import numpy as np
import pytest
from fastapi import FastAPI

from tests.conftest import Served
from tests.load.stand_in import Paced
from tools.sandbox.app import create_sandbox

ASKED = {"model": "any", "messages": [{"role": "user", "content": "hello"}]}
HEADERS = {"Authorization": "Bearer any-key"}


@pytest.fixture(scope="module")
def paced(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    app = Paced(create_sandbox(tmp_path_factory.mktemp("sandbox")), seed=3)
    with Served(cast(FastAPI, app)) as served:  # any application will do
        yield f"{served.url}/openai/v1/chat/completions"


def test_the_first_word_and_the_pace() -> None:
    model = Paced(lambda *_: pytest.fail("nothing is asked"), seed=1)
    paces = [model.pace() for _ in range(4000)]
    firsts, rates = [p[0] for p in paces], [1 / p[1] for p in paces]
    assert 0.38 < np.median(firsts) < 0.46
    assert 0.2 < np.quantile(firsts, 0.05) < 0.3
    assert 0.6 < np.quantile(firsts, 0.95) < 0.8
    assert max(firsts) > 2.5
    assert 28 < np.quantile(rates, 0.05) < np.quantile(rates, 0.95) < 65


def test_words_come_one_after_the_other(paced: str) -> None:
    begun = time.monotonic()
    with httpx.stream("POST", paced, json=ASKED | {"stream": True}, headers=HEADERS) as answer:
        words = (line for line in answer.iter_lines() if '"content": "' in line)
        times = [time.monotonic() - begun for _ in words]
    assert len(times) > 10
    assert times[0] > 0.1
    assert times[-1] - times[0] > 10 * 0.01


def test_a_whole_answer_takes_as_long(paced: str) -> None:
    begun = time.monotonic()
    httpx.post(paced, json=ASKED, headers=HEADERS).raise_for_status()
    assert time.monotonic() - begun > 0.3
