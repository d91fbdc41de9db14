"""The same events and commands over one WebSocket."""

import asyncio
import contextlib
import json
import time
from contextlib import aclosing
from typing import Annotated, Any
from uuid import UUID, uuid4

import structlog
from fastapi import APIRouter, Depends, HTTPException, WebSocket, WebSocketDisconnect
from fastapi.requests import HTTPConnection
from pydantic import ValidationError

from api.auth import changes, needs, signed_in
from api.commands import Asked, Command, CommandRefused, answer, refusal, success
from api.dependencies import ClientsOf
from api.errors import ANSWERS
from api.limits import TooMany, count_command
from api.principals import Principal
from api.responses import Cut
from api.run_requests import Made
from api.streaming import MOST_SECONDS
from api.thread_events import Subscription, follow
from api.threads import ThreadId, own_thread
from api.trace_ids import origin_of, part_of
from graph.clients import Clients
from graph.execution import DATABASE_ERRORS
from monitoring import metrics
from monitoring.logging import origin

log = structlog.get_logger()
router = APIRouter(tags=["runs"])

MOST_SUBSCRIPTIONS = 20
LARGEST_FRAME = 64 * 1024
# Why we close, as websockets say it.
NOT_TEXT = 1003
TOO_LARGE = 1009
CRASHED = 1011
GOES_AWAY = 1012


async def socket_reader(connection: HTTPConnection) -> Principal:
    """Whoever may read conversations; FastAPI's own schemes do not know sockets."""
    return await needs("threads:read")(await signed_in(connection))


SocketReader = Annotated[Principal, Depends(socket_reader)]


@router.websocket("/threads/{thread_id}/stream/events")
async def open_socket(
    socket: WebSocket, thread_id: ThreadId, clients: ClientsOf, reader: SocketReader
) -> None:
    """Events by subscription, and commands, until the client closes."""
    await own_thread(thread_id, clients, reader)
    await socket.accept()
    with metrics.STREAMS_ACTIVE.track_inprogress():
        await Conversation(socket, thread_id, clients, reader).serve()


class Conversation:
    """One open socket: commands come in, answers and subscribed events go out."""

    def __init__(
        self, socket: WebSocket, thread_id: UUID, clients: Clients, reader: Principal
    ) -> None:
        self._socket = socket
        self._thread_id = thread_id
        self._clients = clients
        self._reader = reader
        self._streams: dict[str, asyncio.Task[None]] = {}

    async def serve(self) -> None:
        """Answer commands until the client goes, or has to come again with its credential."""
        try:
            await self._close(await self._converse())
        except WebSocketDisconnect:
            return
        except Exception as error:  # noqa: BLE001 (the server would log its words)
            _note(error)
            await self._close(CRASHED)
        finally:
            await self._stop_streams()

    async def _converse(self) -> int:
        """Answer commands for as long as a stream may last; why to close."""
        end = time.monotonic() + MOST_SECONDS
        while (left := end - time.monotonic()) > 0:
            try:
                async with asyncio.timeout(left):  # never in the middle of a command
                    message = await self._socket.receive()
            except TimeoutError:
                break
            if message["type"] == "websocket.disconnect":
                raise WebSocketDisconnect
            frame = message.get("text")
            if frame is None:
                return NOT_TEXT
            if len(frame) > LARGEST_FRAME:
                return TOO_LARGE
            with part_of(origin_of(self._socket.scope)):  # each command is a request of its own
                answered = await self._answer(frame)
            await self._send(answered)
        return GOES_AWAY

    async def _answer(self, frame: str) -> dict[str, Any]:
        try:
            command = Command.model_validate_json(frame)
        except ValidationError:
            message = "A command is JSON with a whole number as id and a method."
            return refusal(None, CommandRefused("invalid_argument", message))
        try:
            return await self._follow(command)
        except CommandRefused as refused:
            return refusal(command.id, refused)
        except HTTPException as refused:
            return refusal(command.id, CommandRefused("unknown_error", str(refused.detail)))
        except TooMany as refused:
            return refusal(command.id, CommandRefused("unknown_error", str(refused)))
        except tuple(ANSWERS) as error:
            detail = next(told for kind, (_, told) in ANSWERS.items() if isinstance(error, kind))
            return refusal(command.id, CommandRefused("unknown_error", detail))

    async def _follow(self, command: Command) -> dict[str, Any]:
        match command.method:
            case "subscription.subscribe" | "subscription.reconnect":
                await count_command(self._socket.scope, "reads", self._reader.key)
                return success(command.id, self._subscribe(command.params))
            case "subscription.unsubscribe":
                return success(command.id, self._unsubscribe(command.params))
            case _:
                writer = await changes("runs:write")(self._reader)
                await count_command(self._socket.scope, "turns", writer.key)
                asked = Asked(self._thread_id, self._clients, writer, Made(uuid4()))
                return await answer(asked, command)

    def _subscribe(self, params: dict[str, Any]) -> dict[str, Any]:
        try:
            subscription = Subscription.model_validate(params)
        except ValidationError as error:
            where = "; ".join(".".join(map(str, e["loc"])) for e in error.errors())
            raise CommandRefused("invalid_argument", f"Wrong or missing: {where}") from error
        if len(self._streams) >= MOST_SUBSCRIPTIONS:
            raise CommandRefused("invalid_argument", "Too many subscriptions: end one first.")
        name = str(uuid4())
        self._streams[name] = asyncio.create_task(self._stream(subscription))
        return {"subscription_id": name, "replayed_events": 0}

    def _unsubscribe(self, params: dict[str, Any]) -> dict[str, Any]:
        stream = self._streams.pop(str(params.get("subscription_id")), None)
        if stream is None:
            raise CommandRefused("no_such_subscription", "There is no such subscription.")
        stream.cancel()
        return {}

    async def _stream(self, subscription: Subscription) -> None:
        """Send the events; where they end, the client is to come again to another process."""
        try:
            async with aclosing(follow(self._clients, self._thread_id, subscription)) as events:
                async for event in events:
                    if event:  # a socket has pings of its own
                        await self._send(event)
        except WebSocketDisconnect:
            return
        except (Cut, *DATABASE_ERRORS):
            pass
        except Exception as error:  # noqa: BLE001 (nobody else looks at what ends this task)
            _note(error)
        await self._close(GOES_AWAY)

    async def _send(self, message: dict[str, Any]) -> None:
        text = json.dumps(message, ensure_ascii=False, separators=(",", ":"), default=str)
        try:
            await self._socket.send_text(text)
        except RuntimeError:  # what both Starlette and its server say once either end has closed
            raise WebSocketDisconnect from None

    async def _close(self, code: int) -> None:
        with contextlib.suppress(WebSocketDisconnect, RuntimeError):
            await self._socket.close(code)

    async def _stop_streams(self) -> None:
        for stream in self._streams.values():
            stream.cancel()
        await asyncio.gather(*self._streams.values(), return_exceptions=True)


def _note(error: Exception) -> None:
    """What nobody foresaw: the log gets its place, nobody gets its words."""
    log.error("socket crashed", **origin(error))
