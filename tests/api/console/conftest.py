"""Somebody signed in on the console's pages."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import httpx
import pytest

from api.console.session import COOKIE
from api.tokens import Staff, issue_staff_token
from graph.clients import now
from tests.conftest import SECRET

AGENT, SUPERVISOR, ADMIN = range(3)
COLLEAGUES = (
    Staff("wei", "Wei Jie", 2),
    Staff("farah", "Farah", 3),
    Staff("shanti", "Shanti", 4, is_admin=True),
)
Operators = Callable[[int], AbstractAsyncContextManager[httpx.AsyncClient]]


@asynccontextmanager
async def signed_in(url: str, who: int) -> AsyncIterator[httpx.AsyncClient]:
    """A browser's cookie for the pages, and a bearer token for the API, of one colleague."""
    token = issue_staff_token(SECRET, COLLEAGUES[who], now())
    async with httpx.AsyncClient(
        base_url=url, cookies={COOKIE: token}, headers={"Authorization": f"Bearer {token}"}
    ) as client:
        yield client


@pytest.fixture
def operator(service_url: str) -> Operators:
    """`async with operator(AGENT) as client`: pages by cookie, API by token."""
    return lambda who: signed_in(service_url, who)
