"""Documents to download: by a link of the chat that works once, or an order's by its number."""

import re
from collections.abc import Callable
from importlib import resources
from string import Template
from typing import Any, cast
from urllib.parse import urlsplit

import jwt
import structlog
from fastapi import APIRouter, HTTPException, Request, Response
from psycopg.rows import DictRow

from api.auth import SignedIn, api_key, bearer, credentials_of, presented
from api.dependencies import ClientsOf
from api.site import POLICY, SAFE
from graph.clients import Clients
from monitoring.logging import origin
from tools.context import Caller, Context
from tools.documents.collect import Download, collect, delivery_order
from tools.documents.delivery_order import DeliveryOrder, delivery_order_pdf
from tools.documents.links import LinkKind
from tools.documents.names import TYPES, file_name, media_type
from tools.documents.workbook import delivery_order_xlsx
from tools.errors import TriaError

log = structlog.get_logger()
router = APIRouter(tags=["documents"])

OURS = re.compile(r"TRIA-\d{6,12}")
UNSTORED = SAFE | {"Cache-Control": "no-store"}
RETRY_SECONDS = 10
SIGNED_IN = {"authorization", "x-api-key"}
GONE = (
    "This link has ended",
    "A link works once and for a few minutes. Please ask for the document again in the chat.",
)
BUSY = (
    "One moment, please",
    "The document cannot be fetched right now. The link still works: please open it again in a"
    " moment, or ask again in the chat.",
)
HTML: dict[str, Any] = {"content": {"text/html": {"schema": {"type": "string"}}}}
FILE: dict[str, Any] = {
    "content": {kind: {"schema": {"type": "string", "format": "binary"}} for kind in TYPES.values()}
}


@router.get(
    "/documents/{token}",
    response_class=Response,
    responses={
        200: FILE | {"description": "The document"},
        302: {"description": "Where the invoice can be paid"},
        410: HTML | {"description": "The link is unknown, used, expired or somebody else's"},
        503: HTML | {"description": "The accounts system does not answer; the link still works"},
    },
)
async def follow_link(token: str, request: Request, clients: ClientsOf) -> Response:
    """The document of a link from the chat. The link is used up once the document is at hand."""
    link = await _link(token, request, clients)
    if link is None:
        return _note(410, *GONE)
    context = clients.context_for(Caller.of(link["scope"]))
    try:
        answer = await _answer(link, context)
    except TriaError as error:
        told = {"kind": link["kind"], "code": error.code, **origin(error)}
        log.error("document not ready", **told)  # noqa: TRY400 (a traceback may quote a customer)
        return _note(503, *BUSY, {"Retry-After": str(RETRY_SECONDS)})
    if answer is None or await clients.links.redeem(token) is None:
        return _note(410, *GONE)
    return answer


@router.head("/documents/{token}", include_in_schema=False)
async def describe_link(token: str, request: Request, clients: ClientsOf) -> Response:
    """What following the link would bring, without using it up."""
    link = await _link(token, request, clients)
    if link is None:
        return _note(410, *GONE)
    kind = cast(LinkKind, link["kind"])
    if kind == "pay_link":
        return Response(headers=UNSTORED)
    name = file_name(kind, link["target"])
    return Response(headers=_attachment(name), media_type=media_type(name))


@router.get(
    "/orders/{number}/delivery-order.pdf",
    response_class=Response,
    responses={200: FILE, 404: {"description": "No such order of the customer's"}},
)
async def order_pdf(number: str, clients: ClientsOf, caller: SignedIn) -> Response:
    """The delivery order of the customer's own order, as a PDF."""
    content = await _own_order(number, delivery_order_pdf, clients.context_for(caller))
    return _file(Download(file_name("delivery_order_pdf", {"number": number}), content))


@router.get(
    "/orders/{number}/delivery-order.xlsx",
    response_class=Response,
    responses={200: FILE, 404: {"description": "No such order of the customer's"}},
)
async def order_xlsx(number: str, clients: ClientsOf, caller: SignedIn) -> Response:
    """The delivery order of the customer's own order, as a spreadsheet."""
    content = await _own_order(number, delivery_order_xlsx, clients.context_for(caller))
    return _file(Download(file_name("delivery_order_xlsx", {"number": number}), content))


async def _own_order(
    number: str, make: Callable[[DeliveryOrder], bytes], context: Context
) -> bytes:
    """Missing and foreign orders get the same answer, to the byte."""
    content = await delivery_order(number, make, context) if OURS.fullmatch(number) else None
    if content is None:
        raise HTTPException(404, "There is no such order.")
    return content


async def _link(token: str, request: Request, clients: Clients) -> DictRow | None:
    """The open link; none for somebody who is signed in as another customer."""
    link = await clients.links.find(token)
    if link is None or not SIGNED_IN & set(request.headers):
        return link
    credential = await presented(await bearer(request), await api_key(request))
    try:
        principal = await credentials_of(request).principal(credential)
    except jwt.InvalidTokenError:
        return None
    return link if principal.customer_id == link["customer_id"] else None


async def _answer(link: DictRow, context: Context) -> Response | None:
    if link["kind"] == "pay_link":
        return await _pay_page(link["target"]["number"], context)
    download = await collect(link, context)
    return _file(download) if download else None


async def _pay_page(number: str, context: Context) -> Response | None:
    """Whoever has the address can see the invoice: it is fetched now and kept nowhere."""
    url = await context.accounts.online_invoice_url(number)
    if url is None or urlsplit(url).scheme != "https":
        return None
    return Response(status_code=302, headers=UNSTORED | {"Location": url})


def _file(download: Download) -> Response:
    return Response(
        download.content,
        media_type=media_type(download.name),
        headers=_attachment(download.name),
    )


def _attachment(name: str) -> dict[str, str]:
    return UNSTORED | {"Content-Disposition": f'attachment; filename="{name}"'}


def _note(status: int, title: str, text: str, more: dict[str, str] | None = None) -> Response:
    """A short page in the look of the chat."""
    page = resources.files("api").joinpath("pages", "note.html").read_text(encoding="utf-8")
    policy = {"Content-Security-Policy": POLICY.format(ancestors="'none'")}
    return Response(
        Template(page).substitute(title=title, text=text),
        status,
        UNSTORED | policy | (more or {}),
        media_type="text/html; charset=utf-8",
    )
