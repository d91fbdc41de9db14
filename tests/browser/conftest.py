"""The console in a real browser, and axe."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, Page

from api.console.session import COOKIE
from api.tokens import issue_staff_token
from graph.clients import now
from tests.api.console.conftest import COLLEAGUES
from tests.browser.test_chat_page import browser, chromium
from tests.conftest import SECRET

__all__ = ["browser", "chromium"]

Console = Callable[..., AbstractAsyncContextManager[Page]]
# A browser notes each answer that is an error; what a page does then is what tests look at.
NOTED = "Failed to load resource"


@asynccontextmanager
async def open_console(
    browser: Browser, url: str, who: int, path: str = "", width: int = 1280
) -> AsyncIterator[Page]:
    """A page of the console as a colleague sees it. Script errors and refused content fail."""
    context = await browser.new_context(
        base_url=url, viewport={"width": width, "height": 900}, reduced_motion="reduce"
    )
    token = issue_staff_token(SECRET, COLLEAGUES[who], now())
    await context.add_cookies([{"name": COOKIE, "value": token, "url": url, "httpOnly": True}])
    page, errors = await context.new_page(), list[str]()
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on(
        "console",
        lambda line: (
            errors.append(line.text) if line.type == "error" and NOTED not in line.text else None
        ),
    )
    await page.goto(f"/console/{path}".rstrip("/"))
    yield page
    await context.close()
    assert errors == []


@pytest.fixture
def console(browser: Browser, service_url: str) -> Console:
    """`async with console(ADMIN, "xero") as page`."""
    return lambda who, path="", width=1280: open_console(browser, service_url, who, path, width)


@pytest.fixture
def axe() -> Callable[[Page], Awaitable[None]]:
    """Fails where axe finds something that a person with a disability would stumble over."""

    async def check(page: Page) -> None:
        found = await Axe().run(page)
        told = [f"{v['id']}: {v['nodes'][0]['html'][:200]}" for v in found.response["violations"]]
        assert not told, "\n".join(told)

    return check
