"""How much one user, one address and all of them together may ask of the service."""

import ipaddress
import re
from collections import Counter
from collections.abc import Mapping
from functools import lru_cache
from typing import Literal, cast

from starlette.types import ASGIApp, Receive, Scope, Send

from api.bodies import PARTS, header
from api.errors import problem
from graph.settings import Settings
from monitoring import metrics
from tools.rates import WINDOW_SECONDS, Exceeded, Rate, Rates

Kind = Literal["reads", "turns"]

# A school or an office shares one address.
USERS_PER_ADDRESS = 5
STREAMS_RETRY_SECONDS = 5
FREE = re.compile(r"/(|health(/\w+)?|metrics|ok|info|console|openapi\.json|[\w-]+\.(js|css|svg))")
GUARDED = "/metrics"  # free for whoever shows no credential
TURNS = re.compile(r".*/runs(/(stream|wait|batch))?|.*/(commands|copy)|/demo/[\w-]*sign-in")
STREAMS = re.compile(r".*/(stream(/events)?|wait|join)")
MOST_PARTS = 100  # a longer list is refused anyway
OPENED = "tria.opened"
TRY_LATER = 1013  # as websockets say it


class TooMany(Exception):
    """A limit is reached: how high it is and when to come again, and the answer that says so."""

    def __init__(self, detail: str, headers: Mapping[str, str]) -> None:
        super().__init__(detail)
        self.answer = problem(429, detail, headers=headers)


class Limits:
    """The rates of each kind of request, and how many streams each user has open here."""

    def __init__(self, settings: Settings, rates: Rates) -> None:
        user = {"reads": settings.tria_user_reads, "turns": settings.tria_user_turns}
        every = {"reads": settings.tria_service_reads, "turns": settings.tria_service_turns}
        self._user = {k: Rate(f"user-{k}", n) for k, n in user.items()}
        self._address = {k: Rate(f"address-{k}", n * USERS_PER_ADDRESS) for k, n in user.items()}
        self._service = {k: Rate(f"service-{k}", n) for k, n in every.items()}
        self._most_streams = settings.tria_user_streams
        self._streams: Counter[str] = Counter()
        self._rates = rates
        self._was_shared: bool | None = None

    async def count_arrival(self, kind: Kind, address: str) -> None:
        """Count a request before anybody knows whose it is; raises TooMany."""
        await self._spend(self._address[kind], address)

    async def count_user(self, kind: Kind, user: str, cost: int = 1) -> None:
        """Count a signed-in user's request, which alone counts for the service; raises TooMany."""
        await self._spend(self._user[kind], user, cost)
        await self._spend(self._service[kind], "", cost)

    def open_stream(self, user: str) -> None:
        """One more stream of a user; raises TooMany."""
        if self._most_streams and self._streams[user] >= self._most_streams:
            metrics.REQUESTS_REFUSED.labels("user-streams").inc()
            raise _too_many_streams(self._most_streams)
        self._streams[user] += 1

    def close_stream(self, user: str) -> None:
        """One stream less."""
        self._streams[user] -= 1
        if self._streams[user] <= 0:
            del self._streams[user]

    async def _spend(self, rate: Rate, who: str, cost: int = 1) -> None:
        exceeded = await self._rates.spend(rate, who, cost)
        if self._rates.is_shared != self._was_shared:
            self._was_shared = self._rates.is_shared
            metrics.LIMITS_SHARED.set(self._was_shared)
        if exceeded:
            metrics.REQUESTS_REFUSED.labels(rate.name).inc()
            raise _too_many(exceeded)


class Limited:
    """Counts each request by its address, and keeps its user's streams counted while it lasts."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer that there are too many."""
        if scope["type"] not in ANSWERS or _is_free(scope):
            await self._app(scope, receive, send)
            return
        limits = limits_of(scope)
        scope[OPENED] = opened = cast(list[str], [])
        try:
            await limits.count_arrival(kind_of(scope), address_of(scope))
            await self._app(scope, receive, send)
        except TooMany as refused:
            await ANSWERS[scope["type"]](refused, scope, receive, send)
        finally:
            for user in opened:
                limits.close_stream(user)


async def count_user(scope: Scope, user: str) -> None:
    """Count the request of a user who has just been recognised; raises TooMany."""
    limits, kind = limits_of(scope), kind_of(scope)
    parts = min(scope.get(PARTS, 1), MOST_PARTS)
    await limits.count_user(kind, user, max(1, parts) if kind == "turns" else 1)
    if scope["type"] == "websocket" or STREAMS.fullmatch(scope["path"]):
        limits.open_stream(user)
        scope[OPENED].append(user)


async def count_command(scope: Scope, kind: Kind, user: str) -> None:
    """Count what a user asks over a socket like a request of its own; raises TooMany."""
    limits = limits_of(scope)
    await limits.count_arrival(kind, address_of(scope))
    await limits.count_user(kind, user)


def _is_free(scope: Scope) -> bool:
    """Whether anybody may ask as often as they like: nothing can be guessed there."""
    shows = any(header(scope, name) is not None for name in (b"authorization", b"x-api-key"))
    is_guess = scope["path"] == GUARDED and shows
    return not is_guess and bool(FREE.fullmatch(scope["path"]))


def limits_of(scope: Scope) -> Limits:
    """The limits that the application's lifespan set up."""
    return cast(Limits, scope["app"].state.limits)


def kind_of(scope: Scope) -> Kind:
    """A turn costs much, everything else little. Signing in counts as much as a turn."""
    is_turn = scope.get("method") == "POST" and TURNS.fullmatch(scope["path"])
    return "turns" if is_turn else "reads"


def address_of(scope: Scope) -> str:
    """The client's address; of IPv6 the network, which one household has for itself."""
    return _network(scope["client"][0] if scope.get("client") else "")


@lru_cache(4096)
def _network(host: str) -> str:
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return "unknown"
    if address.version == 6 and address.ipv4_mapped:  # as a socket for both kinds shows them
        address = address.ipv4_mapped
    if address.version == 4:
        return str(address)
    return str(ipaddress.ip_network((address, 64), strict=False))


async def _answer(refused: TooMany, scope: Scope, receive: Receive, send: Send) -> None:
    await refused.answer(scope, receive, send)


async def _close(refused: TooMany, scope: Scope, receive: Receive, send: Send) -> None:
    await send({"type": "websocket.close", "code": TRY_LATER, "reason": "too many requests"})


ANSWERS = {"http": _answer, "websocket": _close}


def _too_many(exceeded: Exceeded) -> TooMany:
    rate, seconds = exceeded.rate, exceeded.seconds
    of_whom = {"user": "of one user", "address": "of one address", "service": "of everybody"}
    scope, _, kind = rate.name.partition("-")
    headers = {
        "RateLimit-Policy": f'"{rate.name}";q={rate.amount};w={WINDOW_SECONDS}',
        "RateLimit": f'"{rate.name}";r=0;t={seconds}',
        "X-RateLimit-Limit": str(rate.amount),
        "X-RateLimit-Remaining": "0",
        "X-RateLimit-Reset": str(seconds),
        "Retry-After": str(seconds),
    }
    most = f"{rate.amount} {kind if kind == 'turns' else 'requests'} a minute {of_whom[scope]}"
    return TooMany(f"At most {most}: try again in {seconds} s.", headers)


def _too_many_streams(most: int) -> TooMany:
    detail = f"At most {most} streams of one user at once: close one, then try again."
    return TooMany(detail, {"Retry-After": str(STREAMS_RETRY_SECONDS)})
