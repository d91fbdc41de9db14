"""What Prometheus knows, for checks from inside and from outside."""

from collections.abc import Mapping
from typing import Any, Protocol
from urllib.parse import urlsplit

import httpx

from api.doctor.findings import NotRun

NOWHERE = "no Prometheus is named: --prometheus http://HOST:9090"


class Prometheus:
    """One Prometheus, or none: then whatever asks it is not run."""

    def __init__(self, url: str | None) -> None:
        self._url = url and url.rstrip("/")

    async def ask(self, path: str, **parameters: str) -> Any:
        """The data of one answer; raises NotRun where there is nothing to ask."""
        if not self._url:
            raise NotRun(NOWHERE)
        try:
            async with httpx.AsyncClient(timeout=5) as http:
                answer = await http.get(f"{self._url}/api/v1/{path}", params=parameters)
                answer.raise_for_status()
        except httpx.HTTPError as error:
            place = without_login(self._url)
            why = f"no Prometheus answers at {place}: name another with --prometheus"
            raise NotRun(why) from error
        return answer.json()["data"]

    async def values(self, query: str) -> list[tuple[Mapping[str, str], float]]:
        """The labels and the value of each series that a query finds now."""
        found = await self.ask("query", query=query)
        return [(each["metric"], float(each["value"][1])) for each in found["result"]]

    async def number(self, query: str) -> float | None:
        """The one value of a query; None where it finds nothing."""
        return next((value for _, value in await self.values(query)), None)


def without_login(url: str) -> str:
    """An address as it may be shown."""
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()


class Watched(Protocol):
    """Whatever is checked together with what watches it."""

    @property
    def prometheus(self) -> Prometheus: ...

    async def stamp(self, metric: str) -> float | None:
        """A moment that somebody told the metrics of; None where nobody ever did."""
        ...
