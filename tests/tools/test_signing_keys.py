"""Keys of a sign-in elsewhere, fetched from a server that changes, fails and hangs."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator

import httpx
import jwt
import pytest
from fastapi import Response

from tests.elsewhere import Clock, Elsewhere, elsewhere_running
from tools.errors import BackendUnavailable
from tools.signing_keys import (
    FETCH_SECONDS,
    FRESH_SECONDS,
    LARGEST,
    PAUSE_SECONDS,
    TRUSTED_SECONDS,
    SigningKeys,
    SigningKeyUnknown,
    make_keys_http,
)


@pytest.fixture
def elsewhere() -> Iterator[Elsewhere]:
    with elsewhere_running() as running:
        yield running


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def keys(elsewhere: Elsewhere, clock: Clock) -> AsyncIterator[SigningKeys]:
    async with make_keys_http() as http:
        yield SigningKeys(http, elsewhere.url, clock)


async def is_known(keys: SigningKeys, key_id: str) -> bool:
    try:
        await keys.key(key_id)
    except SigningKeyUnknown:
        return False
    return True


async def test_many_questions_at_once_are_one_fetch(
    keys: SigningKeys, elsewhere: Elsewhere
) -> None:
    elsewhere.delay = 0.2
    found = await asyncio.gather(*(keys.key("ES256") for _ in range(50)))
    assert {key.key_id for key in found} == {"ES256"}
    assert elsewhere.asked == 1
    await keys.key("RS256")
    assert elsewhere.asked == 1


async def test_a_rotated_key_is_fetched_at_once_but_no_flood_of_unknown_ones_is(
    keys: SigningKeys, elsewhere: Elsewhere, clock: Clock
) -> None:
    await keys.key("ES256")
    clock.seconds += PAUSE_SECONDS
    elsewhere.add("next")
    assert await is_known(keys, "next")
    assert elsewhere.asked == 2
    for number in range(100):
        assert not await is_known(keys, f"guess-{number}")
    assert elsewhere.asked == 2
    clock.seconds += PAUSE_SECONDS
    assert not await is_known(keys, "guess")
    assert elsewhere.asked == 3


async def test_known_keys_work_while_the_sign_in_is_away(
    keys: SigningKeys, elsewhere: Elsewhere, clock: Clock
) -> None:
    await keys.key("ES256")
    elsewhere.answer = Response("down", 503)
    for _ in range(5):
        clock.seconds += TRUSTED_SECONDS + 1
        assert await is_known(keys, "ES256")
    assert not await is_known(keys, "unknown")
    elsewhere.answer = None
    elsewhere.add("next")
    clock.seconds += PAUSE_SECONDS
    assert await is_known(keys, "next")


async def test_a_withdrawn_key_ends_when_the_keys_are_fetched_again(
    keys: SigningKeys, elsewhere: Elsewhere, clock: Clock
) -> None:
    await keys.key("ES256")
    elsewhere.withdraw("ES256")
    clock.seconds += FRESH_SECONDS - 1
    assert await is_known(keys, "ES256")
    clock.seconds += 2
    end = time.monotonic() + 20
    while await is_known(keys, "ES256"):
        assert time.monotonic() < end
        await asyncio.sleep(0.01)
    assert elsewhere.asked == 2


async def test_after_a_long_time_a_key_is_not_trusted_before_it_was_asked_for(
    keys: SigningKeys, elsewhere: Elsewhere, clock: Clock
) -> None:
    await keys.key("ES256")
    elsewhere.withdraw("ES256")
    clock.seconds += TRUSTED_SECONDS + 1
    assert not await is_known(keys, "ES256")


async def test_a_sign_in_that_hangs_holds_nobody_up_for_long(
    keys: SigningKeys, elsewhere: Elsewhere, clock: Clock
) -> None:
    await keys.key("ES256")
    elsewhere.delay = FETCH_SECONDS * 2
    clock.seconds += FRESH_SECONDS + 1
    started = time.monotonic()
    assert await is_known(keys, "ES256")
    assert time.monotonic() - started < FETCH_SECONDS / 2, "fetched beside the work"
    assert not await is_known(keys, "unknown")
    assert time.monotonic() - started < FETCH_SECONDS * 1.9


@pytest.mark.parametrize(
    "answer",
    [
        Response("down", 503),
        Response("moved", 302, {"Location": "/elsewhere"}),
        Response("<html>"),
        Response("[]"),
        Response('{"keys": "none"}'),
        Response('{"keys": []}'),
        Response('{"keys": [{"kty": "oct", "kid": "ES256", "k": "c2VjcmV0"}]}'),
        Response(b'{"keys": [' + b" " * LARGEST + b"]}"),
        Response(b"\xff\xfe"),
        Response("[" * 5000),
        Response('{"keys": ["ES256", null]}'),
    ],
    ids=range(11),
)
async def test_what_is_no_answer_with_keys_leaves_nothing_to_trust(
    keys: SigningKeys, elsewhere: Elsewhere, answer: Response
) -> None:
    elsewhere.answer = answer
    with pytest.raises(BackendUnavailable):
        await keys.key("ES256")
    with pytest.raises(BackendUnavailable):
        await keys.key("ES256")
    assert elsewhere.asked == 1


async def test_keys_for_something_else_check_no_signature(
    keys: SigningKeys, elsewhere: Elsewhere
) -> None:
    elsewhere.add("sealing", "RS256", use="enc")
    elsewhere.add("other", "RS256", alg="RS512")
    elsewhere.published.append({"kty": "oct", "kid": "shared", "k": "c2VjcmV0"})
    elsewhere.published.append({"kty": "none", "kid": "broken"})
    assert await is_known(keys, "RS256")
    for key_id in ("sealing", "other", "shared", "broken", ""):
        assert not await is_known(keys, key_id)


async def test_without_a_server_nothing_is_known(clock: Clock) -> None:
    async with httpx.AsyncClient() as http:
        keys = SigningKeys(http, "http://127.0.0.1:1/keys", clock)
        with pytest.raises(BackendUnavailable):
            await keys.key("ES256")


def test_an_unknown_key_is_a_fault_of_the_token() -> None:
    assert issubclass(SigningKeyUnknown, jwt.InvalidTokenError)
