"""Answers to questions about the rules alone, kept in Redis for a while."""

from redis.asyncio import Redis
from redis.exceptions import RedisError

PREFIX = "tria:answer:"
SECONDS = 24 * 3600


class Answers:
    """Get and keep. Without Redis nothing is found and nothing kept."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    async def get(self, key: str) -> str | None:
        """The text kept under that key."""
        try:
            found = await self._redis.get(PREFIX + key)
        except (RedisError, OSError):
            return None
        return found.decode() if isinstance(found, bytes) else found

    async def keep(self, key: str, text: str) -> None:
        """Keep a text for a day."""
        try:
            await self._redis.set(PREFIX + key, text, ex=SECONDS)
        except (RedisError, OSError):
            return
