"""A wire on which some calls come late, are lost on their way, or are never answered."""

import asyncio
from collections import Counter
from dataclasses import dataclass

import numpy as np
from typing_extensions import override

from evals.bench.fault.wire import CHUNK, Wire


@dataclass
class Exchange:
    """What is under way on one connection. A call begins with the first bytes after an answer."""

    is_answered: bool = True
    is_mute: bool = False


class Shaky(Wire):
    """Disturbs a share of the calls: of these so many (`harsh`) are cut off, the others are late.

    Half of those that are cut off have not reached the server; of the others it does everything,
    and its answer is lost.
    """

    def __init__(self, port: int, harsh: float, late_seconds: float, seed: int) -> None:
        self.share = 0.0
        self.calls: Counter[str] = Counter()
        self._harsh, self._late = harsh, late_seconds
        self._chance = np.random.default_rng(seed)
        super().__init__(port)

    @property
    def disturbed(self) -> int:
        """How many calls did not pass as they should."""
        return self.calls.total() - self.calls["passed"]

    @override
    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._upstream)
        except OSError:
            writer.transport.abort()
            return
        ends, exchange = {writer, far_writer}, Exchange()
        self._writers |= ends
        there = self._ask(reader, far_writer, exchange)
        back = self._answer(far_reader, writer, exchange)
        flows = [asyncio.ensure_future(there), asyncio.ensure_future(back)]
        await asyncio.wait(flows, return_when=asyncio.FIRST_EXCEPTION)
        for flow in flows:
            flow.cancel()
        self._writers -= ends
        for end in ends:
            end.transport.abort()
        await asyncio.gather(*flows, return_exceptions=True)

    async def _ask(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, exchange: Exchange
    ) -> None:
        while data := await reader.read(CHUNK):
            if exchange.is_answered:
                exchange.is_answered, exchange.is_mute = False, await self._meet_fate()
            writer.write(data)
            await writer.drain()
        writer.write_eof()

    async def _meet_fate(self) -> bool:
        """What happens to a call that begins: whether it stays without an answer."""
        fate = self._fate()
        self.calls[fate] += 1
        if fate == "lost":
            raise ConnectionResetError
        if fate == "late":
            await asyncio.sleep(float(self._chance.exponential(self._late)))
        return fate == "unanswered"

    async def _answer(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, exchange: Exchange
    ) -> None:
        while data := await reader.read(CHUNK):
            if exchange.is_mute:
                raise ConnectionResetError
            exchange.is_answered = True
            writer.write(data)
            await writer.drain()
        writer.write_eof()

    def _fate(self) -> str:
        if self._chance.random() >= self.share:
            return "passed"
        if self._chance.random() >= self._harsh:
            return "late"
        return "lost" if self._chance.random() < 0.5 else "unanswered"
