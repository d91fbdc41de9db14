"""The same events and commands over one WebSocket."""

import asyncio
import contextlib
import json
from contextlib import aclosing
from typing import Annotated, Any
from uuid import UUID, uuid4

from fastapi import APIRouter, Depends, HTTPException, WebSocket, WebSocketDisconnect
from fastapi.requests import HTTPConnection
from pydantic import ValidationError

from api.auth import changes, needs, signed_in
from api.commands import Asked, Command, CommandRefused, answer, refusal, success
from api.dependencies import ClientsOf
from api.errors import ANSWERS
from api.principals import Principal
from api.responses import Cut
from api.thread_events import Subscription, follow
from api.threads import ThreadId, own_thread
from graph.clients import Clients
from graph.execution import DATABASE_ERRORS
from monitoring import metrics

router = APIRouter(tags=["runs"])

MOST_SUBSCRIPTIONS = 20
LARGEST_FRAME = 64 * 1024
TOO_LARGE = 1009
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
        """Answer commands until the client goes."""
        try:
            while True:
                frame = await self._socket.receive_text()
                if len(frame) > LARGEST_FRAME:
                    await self._socket.close(TOO_LARGE)
                    return
                await self._send(await self._answer(frame))
        except (WebSocketDisconnect, RuntimeError):  # starlette says the second once it has closed
            return
        finally:
            await self._stop_streams()

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
        except tuple(ANSWERS) as error:
            detail = next(told for kind, (_, told) in ANSWERS.items() if isinstance(error, kind))
            return refusal(command.id, CommandRefused("unknown_error", detail))

    async def _follow(self, command: Command) -> dict[str, Any]:
        match command.method:
            case "subscription.subscribe" | "subscription.reconnect":
                return success(command.id, self._subscribe(command.params))
            case "subscription.unsubscribe":
                return success(command.id, self._unsubscribe(command.params))
            case _:
                writer = await changes("runs:write")(self._reader)
                asked = Asked(self._thread_id, self._clients, writer, uuid4())
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
        with contextlib.suppress(Cut, *DATABASE_ERRORS):
            async with aclosing(follow(self._clients, self._thread_id, subscription)) as events:
                async for event in events:
                    if event:  # a socket has pings of its own
                        await self._send(event)
        await self._socket.close(GOES_AWAY)

    async def _send(self, message: dict[str, Any]) -> None:
        await self._socket.send_text(
            json.dumps(message, ensure_ascii=False, separators=(",", ":"), default=str)
        )

    async def _stop_streams(self) -> None:
        for stream in self._streams.values():
            stream.cancel()
        await asyncio.gather(*self._streams.values(), return_exceptions=True)
