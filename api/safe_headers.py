"""Headers that keep a browser from doing more with an answer than is meant."""

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.site import SAFE

DEFAULTS = SAFE | {"Cache-Control": "no-store"}
# An answer is no page: it runs nothing, and stands in nobody's frame.
NO_PAGE = "default-src 'none'; frame-ancestors 'none'"
DOCS = (
    "default-src 'none'; script-src 'unsafe-inline' https://cdn.jsdelivr.net;"
    " style-src 'unsafe-inline' https://cdn.jsdelivr.net; img-src data: https://fastapi.tiangolo.com;"
    " connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
POLICIES = {"/docs": DOCS, "/redoc": DOCS}
PAPER = "application/pdf"  # browsers show it in a page of their own, which a policy would break


class SafeHeaders:
    """Adds them where an answer says nothing. Plain ASGI: streams pass through untouched."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass one request on, and complete the headers of its answer."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def completing(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in DEFAULTS.items():
                    headers.setdefault(name, value)
                if headers.get("Content-Type") != PAPER:
                    policy = POLICIES.get(scope["path"], NO_PAGE)
                    headers.setdefault("Content-Security-Policy", policy)
            await send(message)

        await self._app(scope, receive, completing)
