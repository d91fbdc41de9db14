"""`Idempotency-Key`: a write that is sent again is done once, and answered as it was."""

import contextlib
import hashlib
import re
from typing import Annotated, Final, cast
from uuid import UUID, uuid4, uuid5

import structlog
from fastapi import Depends, Request
from fastapi.responses import JSONResponse
from psycopg import Error
from psycopg_pool import PoolTimeout
from pydantic_core import from_json
from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.bodies import BODY, WRITES, header
from api.errors import invalid, problem
from monitoring.logging import origin
from tools.idempotency import Answered, Claim, IdempotencyKeys

log = structlog.get_logger()

NAMESPACE = UUID("5d1c1f0e-6a57-4a3c-9b5e-2f6f0d8f7c41")  # any fixed one of our own
FORM = re.compile(r"[\x21-\x7e]{1,255}")
STORE_AWAY = (Error, PoolTimeout, OSError)
REPLAYED = {"Idempotent-Replayed": "true"}
RETRY_SECONDS = 1
KEPT_HEADERS = ("content-type", "content-location", "location", "x-pagination-total")
# A run's identity comes from the key, so storing it twice is impossible: a repeat joins the run.
RUNS = re.compile(r"(/threads/[^/]+)?/runs(/(stream|wait))?")
# These change nothing.
READS = re.compile(r".*/(search|count|history|state/checkpoint|namespaces|stream/events)")
# Where an answer is not kept, these make it anew: what is there already is not made again.
AGAIN = re.compile(
    r"POST (/runs/batch|/threads(/[^/]+/(copy|runs/[^/]+/cancel))?)|PATCH /threads/[^/]+"
)
WHOLE = re.compile(r"PATCH /threads/[^/]+")  # answered with a conversation, which changes
OF_THREAD = re.compile(r"/threads/([^/]+)(/.*)?")
LARGEST_KEPT = 16 * 1024
WORK: Final = "tria.keyed"


class Settled(Exception):
    """Nothing is left to do under this key; it carries the answer."""

    def __init__(self, answer: Response) -> None:
        super().__init__("answered by its key")
        self.answer = answer


class Keyed:
    """What a request's Idempotency-Key gives to what the request makes."""

    def __init__(self, keys: IdempotencyKeys | None = None) -> None:
        self.keys = keys
        self.claim: Claim | None = None
        self._identity = uuid4()

    @property
    def identity(self) -> UUID:
        """The id for what is made: the same one for the same key, else a random one."""
        return self.claim.identity if self.claim else self._identity

    @property
    def is_repeat(self) -> bool:
        """Whether the same request came before under this key, so that its work may be there."""
        return self.claim is not None and self.claim.is_repeat

    @property
    def is_done(self) -> bool:
        """Whether that request was answered, so that only the answer is wanted once more."""
        return self.claim is not None and self.claim.answered is not None


class Idempotent:
    """Keeps the answers to requests with a key. The claim itself waits for the sign-in."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, and keep its answer where it has a key."""
        if scope["type"] != "http" or not has_key(scope):
            await self._app(scope, receive, send)
            return
        scope[WORK] = keyed = Keyed(scope["app"].state.idempotency)
        answering = _Answering(keyed, send, scope)
        try:
            await self._app(scope, receive, answering)
        except Settled as settled:
            await settled.answer(scope, receive, send)
        finally:
            await answering.end()


def has_key(scope: Scope) -> bool:
    """Whether this is a write with a key."""
    if scope["method"] not in WRITES or header(scope, b"idempotency-key") is None:
        return False
    return not READS.fullmatch(scope["path"])


async def claim_key(request: Request, user: str) -> None:
    """Begin a signed-in user's request under its key; raises Settled where nothing is to do."""
    keyed = cast(Keyed | None, request.scope.get(WORK))
    if keyed is None or keyed.keys is None:
        return
    key = request.headers["idempotency-key"]
    if not FORM.fullmatch(key):
        fault = "1 to 255 visible ASCII characters"
        raise Settled(invalid([{"field": "Idempotency-Key", "message": fault}]))
    identity = identity_of(user, request.method, request.url.path, key)
    asked = f"{request.url.query}\n".encode() + request.scope.get(BODY, b"")
    claim = await keyed.keys.claim(identity, hashlib.sha256(asked).digest(), user)
    if not claim.is_same:
        raise Settled(_other_request())
    if claim.answered:
        if claim.answered.body is not None:
            raise Settled(_replayed(claim.answered))
        if not AGAIN.fullmatch(_route(request.scope)):
            raise Settled(_done_before())
    elif not (claim.is_held or RUNS.fullmatch(request.scope["path"])):
        raise Settled(_under_way())
    keyed.claim = claim


def identity_of(user: str, method: str, path: str, key: str) -> UUID:
    """One key of one user on one route, as an id for what is made there."""
    return uuid5(NAMESPACE, "\n".join((user, method, path, key)))


def keyed_of(request: Request) -> Keyed:
    """What the request's key gives; without one, something fresh each time."""
    return cast(Keyed, request.scope.get(WORK) or Keyed())


KeyOf = Annotated[Keyed, Depends(keyed_of)]


class _Answering:
    """Takes an answer up, keeps it under its key, and only then lets it out."""

    def __init__(self, keyed: Keyed, send: Send, scope: Scope) -> None:
        self._keyed = keyed
        self._send = send
        self._scope = scope
        self._is_run = bool(RUNS.fullmatch(scope["path"]))
        self._status = 0
        self._is_let_go = False
        self._start: Message | None = None
        self._body = bytearray()

    async def __call__(self, message: Message) -> None:
        """Send a piece on, or put it by until the answer is whole."""
        claim = self._keyed.claim
        if message["type"] != "http.response.start":
            await (self._go_on(message) if self._start else self._send(message))
            return
        self._status = message["status"]
        if self._status >= 300:  # before it is out, as the same key may come at once
            await self.end()
        if claim is None or claim.answered or self._is_run or self._status >= 300:
            is_replay = claim is not None and claim.is_repeat and self._status < 300
            await self._send(_marked(message) if is_replay else message)
        else:
            self._start = message

    async def end(self) -> None:
        """What ended without an answer to keep leaves its key free, or for the same request."""
        claim, keys = self._keyed.claim, self._keyed.keys
        if claim is None or keys is None or not claim.is_held or 0 < self._status < 300:
            return
        if self._is_let_go:
            return
        self._is_let_go = True
        try:
            await (keys.forget(claim) if 0 < self._status < 500 else keys.release(claim))
        except STORE_AWAY as error:
            log.warning("key not released", **origin(error))  # its lease ends all the same

    async def _go_on(self, message: Message) -> None:
        self._body += message.get("body", b"")
        if message.get("more_body", False):
            return
        start, self._start = cast(Message, self._start), None
        await self._keep(start)
        await self._send(start)
        await self._send({"type": "http.response.body", "body": bytes(self._body)})

    async def _keep(self, start: Message) -> None:
        claim, keys = cast(Claim, self._keyed.claim), cast(IdempotencyKeys, self._keyed.keys)
        headers = Headers(raw=start["headers"])
        kept = {name: headers[name] for name in KEPT_HEADERS if name in headers}
        body = bytes(self._body)
        is_kept = len(body) <= LARGEST_KEPT and not WHOLE.fullmatch(_route(self._scope))
        answered = Answered(start["status"], kept, body if is_kept else None)
        try:
            await keys.keep(claim, answered, _thread_of(self._scope["path"], body))
        except STORE_AWAY as error:
            log.warning("answer not kept", **origin(error))  # the work is done: say so once


def _route(scope: Scope) -> str:
    return f"{scope['method']} {scope['path']}"


def _thread_of(path: str, body: bytes) -> UUID | None:
    """The conversation that an answer tells of: the one that it names, else that of the path."""
    found = OF_THREAD.fullmatch(path)
    named: object = found and found[1]
    with contextlib.suppress(ValueError):
        told = from_json(body)
        named = told.get("thread_id", named) if isinstance(told, dict) else named
    with contextlib.suppress(ValueError):
        return UUID(str(named))
    return None


def _marked(start: Message) -> Message:
    extra = [(name.lower().encode(), value.encode()) for name, value in REPLAYED.items()]
    return {**start, "headers": [*start["headers"], *extra]}


def _replayed(answered: Answered) -> Response:
    return Response(answered.body, answered.status, {**answered.headers, **REPLAYED})


def _done_before() -> JSONResponse:
    detail = "This request was carried out before, and its answer is not kept: read what it made."
    return problem(409, detail, name="Done before")


def _under_way() -> JSONResponse:
    detail = "A request with this Idempotency-Key is under way: wait, then send it again."
    return problem(409, detail, headers={"Retry-After": str(RETRY_SECONDS)}, name="Under way")


def _other_request() -> JSONResponse:
    fault = "was used for another request: take a fresh key for each"
    return invalid([{"field": "Idempotency-Key", "message": fault}])
