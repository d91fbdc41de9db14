"""`python -m tests.load.stand_in`: the sandbox of a crowd, whose model takes its time.

A model's first word comes after a while that differs from call to call, its others at a pace that
differs too, and now and then a call is slow. Both are log-normal.
"""

import argparse
import asyncio
import json
from pathlib import Path

import numpy as np
import uvicorn
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tests.load.crowd import crowd
from tools.sandbox.app import create_sandbox
from tools.sandbox.xero.limits import Limits

FIRST_SECONDS, FIRST_SPREAD = 0.42, 0.3  # nine of ten in 0.26 to 0.69 s
TOKENS_A_SECOND, PACE_SPREAD = 43.0, 0.2  # nine of ten in 31 to 60
SLOW_SHARE, SLOW_SECONDS = 0.01, 2.5
TOKENS_A_WORD = 1.3
UNLIMITED = 1_000_000


class Paced:
    """Passes requests on; what the model says comes at a model's pace."""

    def __init__(self, app: ASGIApp, seed: int) -> None:
        self._app = app
        self._chance = np.random.default_rng(seed)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if not scope.get("path", "").endswith("/chat/completions"):
            await self._app(scope, receive, send)
            return
        first, token = self.pace()
        waits = [first]

        async def send_in_time(message: Message) -> None:
            if message.get("body"):
                words = _words(message["body"])
                await asyncio.sleep((waits.pop() if waits else 0) + words * TOKENS_A_WORD * token)
            await send(message)

        await self._app(scope, receive, send_in_time)

    def pace(self) -> tuple[float, float]:
        """Seconds to the first word, and for each token."""
        first = self._chance.lognormal(np.log(FIRST_SECONDS), FIRST_SPREAD)
        rate = self._chance.lognormal(np.log(TOKENS_A_SECOND), PACE_SPREAD)
        slow = SLOW_SECONDS if self._chance.random() < SLOW_SHARE else 0
        return float(first) + slow, 1 / float(rate)


def _words(body: bytes) -> int:
    """Of a whole answer all, of a piece of a stream the one that it holds."""
    if body.startswith(b"data:"):
        return int(b'"content": "' in body)
    usage = json.loads(body).get("usage") or {}
    return int(usage.get("completion_tokens", 0))


def main() -> None:
    """Serve until a signal arrives."""
    options = argparse.ArgumentParser(prog="python -m tests.load.stand_in")
    options.add_argument("--port", type=int, required=True)
    options.add_argument("--data", type=Path, required=True)
    options.add_argument("--customers", type=int, required=True)
    options.add_argument("--seed", type=int, default=0)
    chosen = options.parse_args()
    crowd(chosen.customers)
    limits = Limits(UNLIMITED, UNLIMITED, UNLIMITED)
    app = Paced(create_sandbox(chosen.data, limits=limits), chosen.seed)
    uvicorn.run(app, host="127.0.0.1", port=chosen.port, log_level="warning", access_log=False)


if __name__ == "__main__":
    main()
