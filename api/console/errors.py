"""What fails below /console is shown as a page."""

import json
from collections.abc import Awaitable, Callable
from typing import Any, cast

from fastapi import FastAPI, Request, Response

from api.console.rendering import render

Answering = Callable[[Request, Exception], Awaitable[Response]]
WORDS = {403: "Not yours to do", 404: "Not here", 409: "Not done", 422: "Please check this"}
FAILED = "That did not work"


def add_page_errors(app: FastAPI) -> None:
    """Turn the answers to errors into pages where somebody looks at pages."""
    for error, answering in list(app.exception_handlers.items()):
        app.exception_handlers[error] = _as_page(cast(Answering, answering))


def _as_page(answering: Answering) -> Any:
    async def answer(request: Request, error: Exception) -> Response:
        found = await answering(request, error)
        if found.status_code < 400 or not _is_page(request):
            return found
        detail = json.loads(bytes(found.body)).get("detail", "")
        title = WORDS.get(found.status_code, FAILED)
        page = render(request, "error.html", title=title, detail=detail, status=found.status_code)
        if retry := found.headers.get("retry-after"):
            page.headers["Retry-After"] = retry
        return page

    return answer


def _is_page(request: Request) -> bool:
    return str(request.scope["path"]).startswith("/console")
