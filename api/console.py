"""The console page, which is also where Xero sends an admin's browser back to."""

from dataclasses import dataclass
from functools import cache

from fastapi import APIRouter, Response
from jinja2 import Environment, PackageLoader

from api.dependencies import ClientsOf
from api.site import POLICY, SAFE
from api.tokens import TERMINAL
from tools.errors import BackendRejected, BackendUnavailable
from tools.xero.connect import Connecting, Pending, SignInInvalid

router = APIRouter(include_in_schema=False)

AGAIN = "Begin again with Connect Xero on the console, or with: tria xero connect"


@dataclass(frozen=True)
class Choice:
    """What the page offers after a sign-in at Xero."""

    state: str
    pending: Pending

    @property
    def is_for_terminal(self) -> bool:
        """Whether the sign-in was begun by `tria xero connect`, and goes on there."""
        return self.pending.admin.startswith(TERMINAL)


@router.get("/console")
async def console_page() -> Response:
    """Where operators work."""
    return _page()


@router.get("/admin/xero/callback")
async def come_back(
    clients: ClientsOf, state: str = "", code: str = "", error: str = ""
) -> Response:
    """Offer the organisations of the sign-in. Nothing is connected before one is chosen.

    There is no bearer token here: the state proves that one of us began, and only that admin
    can choose.
    """
    if error or not code:
        return _page(400, problem=f"Xero was not connected: nobody agreed there. {AGAIN}")
    try:
        pending = await _pending(clients.xero_parts.connecting, state, code)
    except SignInInvalid:
        return _page(400, problem=f"This sign-in is unknown, used or too old. {AGAIN}")
    except BackendRejected:
        return _page(400, problem=f"Xero does not accept the code it gave. {AGAIN}")
    except BackendUnavailable:
        return _page(503, problem=f"Xero's sign-in does not answer right now. {AGAIN}")
    return _page(choice=Choice(state, pending))


async def _pending(connecting: Connecting, state: str, code: str) -> Pending:
    """The code is used once; a page that is loaded again finds what it brought."""
    found = await connecting.pending(state)
    if found is None:
        await connecting.finish(state, code)
        found = await connecting.pending(state)
    if found is None:
        raise SignInInvalid("it ended meanwhile")
    return found


def _page(status: int = 200, *, choice: Choice | None = None, problem: str = "") -> Response:
    page = _environment().get_template("console.html").render(choice=choice, problem=problem)
    headers = SAFE | {
        "Cache-Control": "no-store",
        "Content-Security-Policy": POLICY.format(ancestors="'none'"),
    }
    return Response(page, status, headers, media_type="text/html; charset=utf-8")


@cache
def _environment() -> Environment:
    return Environment(loader=PackageLoader("api", "pages"), autoescape=True)
