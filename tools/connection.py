"""A connection to Redis whose loss is always one of Redis's errors."""

from collections.abc import Iterable

import redis.asyncio as redis
from redis.exceptions import ConnectionError as RedisConnectionError
from typing_extensions import override


class Connection(redis.Connection):
    """uvloop answers a write to a connection that was cut with RuntimeError."""

    @override
    async def send_packed_command(
        self, command: bytes | str | Iterable[bytes], check_health: bool = True
    ) -> None:
        try:
            await super().send_packed_command(command, check_health)
        except RuntimeError as error:
            raise RedisConnectionError("The connection was cut.") from error
