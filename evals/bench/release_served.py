"""A version of the service for releases: it ends by itself, and may be one that is no good.

With TRIA_BAD=unready it fails whatever it is asked. With TRIA_BAD=errors it fails half of what came
through a proxy: what is asked of it directly, before the proxy knows it, finds nothing wrong.
"""

import importlib
import os
import random
import threading

from fastapi import FastAPI
from starlette.middleware import Middleware
from starlette.types import ASGIApp, Receive, Scope, Send

SERVICE = "api.__main__"  # named as on a command line: it is served here, not used
LIFE_SECONDS = 900.0
SHARE = 0.5
FORWARDED = b"x-forwarded-for"


class Bad:
    """Fails what its kind of version fails."""

    def __init__(self, app: ASGIApp, kind: str) -> None:
        self._app = app
        self._kind = kind
        self._random = random.Random(1)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass it on, or not."""
        if scope["type"] == "http" and self._fails(dict(scope["headers"])):
            raise RuntimeError("this version is no good")
        await self._app(scope, receive, send)

    def _fails(self, headers: dict[bytes, bytes]) -> bool:
        if self._kind == "unready":
            return True
        return FORWARDED in headers and self._random.random() < SHARE


def main() -> None:
    """Serve until SIGTERM, and never longer than a release takes."""
    timer = threading.Timer(LIFE_SECONDS, os._exit, [1])
    timer.daemon = True
    timer.start()
    service = importlib.import_module(SERVICE)
    if kind := os.environ.get("TRIA_BAD"):
        create_app = service.create_app

        def made(*given: object) -> FastAPI:
            app: FastAPI = create_app(*given)
            app.user_middleware.append(Middleware(Bad, kind=kind))  # within what is measured
            return app

        vars(service)["create_app"] = made
    service.main()


if __name__ == "__main__":
    main()
