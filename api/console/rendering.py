"""Pages of the console: templates, links that work behind any proxy, notices, headers."""

import posixpath
from collections.abc import Callable
from datetime import datetime
from functools import cache
from typing import Any
from urllib.parse import quote, unquote
from uuid import uuid4
from zoneinfo import ZoneInfo

from fastapi import Request, Response
from jinja2 import Environment, PackageLoader, pass_context
from jinja2.runtime import Context

from api.site import SAFE
from api.tokens import Staff
from tools.rules import load_rules

NOTICE = "tria_notice"
NOTICE_SECONDS = 60
LONGEST_NOTICE = 500
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self';"
    " form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
PAGE = SAFE | {"Cache-Control": "no-store", "Content-Security-Policy": POLICY}
UNITS = ((86_400, "day"), (3_600, "h"), (60, "min"))


def render(
    request: Request, name: str, *, staff: Staff | None = None, status: int = 200, **values: Any
) -> Response:
    """A page from its template, with the notice that the last form left."""
    notice = unquote(request.cookies.get(NOTICE, ""))
    page = (
        environment()
        .get_template(name)
        .render(request=request, staff=staff, notice=values.pop("notice", notice), **values)
    )
    answer = Response(page, status, PAGE, media_type="text/html; charset=utf-8")
    if notice:
        answer.delete_cookie(NOTICE, httponly=True, samesite="strict")
    return answer


def see(request: Request, target: str, notice: str = "") -> Response:
    """Go to a page below /console, after a form; the notice is shown there once."""
    answer = Response(status_code=303, headers={"Location": link(request, target)} | SAFE)
    if notice:
        answer.set_cookie(
            NOTICE,
            quote(notice[:LONGEST_NOTICE]),
            max_age=NOTICE_SECONDS,
            httponly=True,
            samesite="strict",
            secure=request.url.scheme == "https",
        )
    return answer


def link(request: Request, target: str = "") -> str:
    """A page below /console as a link relative to the present one, whatever stands before it."""
    return upward(request) + posixpath.join("console", target).rstrip("/")


def upward(request: Request) -> str:
    """The way from the present page to the service's root, relative."""
    path = str(request.scope["path"]).removeprefix(str(request.scope.get("root_path", "")))
    folders = [part for part in path.split("/")[:-1] if part]
    return "../" * len(folders)


def console_path(request: Request) -> str:
    """The present page below /console, with its query."""
    path = str(request.scope["path"]).split("/console", 1)[-1].strip("/")
    query = request.url.query
    return f"{path}?{query}" if query else path


@cache
def environment() -> Environment:
    """The templates of the console."""
    made = Environment(
        loader=PackageLoader("api.console", "templates"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    filters: dict[str, Callable[..., str]] = {"moment": moment, "ago": ago, "money": money}
    made.filters.update(filters)
    made.globals.update(to=_to, root=_root, once=lambda: str(uuid4()))
    return made


@pass_context
def _to(context: Context, target: str = "") -> str:
    return link(context["request"], target)


@pass_context
def _root(context: Context, target: str) -> str:
    """A file of the service that is not below /console."""
    return upward(context["request"]) + target


def moment(at: datetime | str | None) -> str:
    """A time as people in Singapore write it; empty for none."""
    if not at:
        return ""
    when = datetime.fromisoformat(at) if isinstance(at, str) else at
    local = when.astimezone(ZoneInfo(load_rules().company.timezone))
    return f"{local:%-d %b %Y, %H:%M}"


def ago(seconds: float | None) -> str:
    """A span in words: "3 min", "2 h", "1 day"."""
    if seconds is None:
        return ""
    span = abs(seconds)
    for size, unit in UNITS:
        if span >= size:
            many = int(span // size)
            return f"{many} {unit}{'s' if unit == 'day' and many > 1 else ''}"
    return "under a minute"


def money(amount: Any, currency: str = "SGD") -> str:
    """An amount as replies write it."""
    return f"{currency} {float(amount):,.2f}" if amount not in (None, "") else ""
