"""The chat page and the script that embeds it, with safe headers."""

from importlib import resources

from fastapi import APIRouter, Response

router = APIRouter(include_in_schema=False)

FILES = {
    "chat.html": "text/html; charset=utf-8",
    "chat.js": "text/javascript; charset=utf-8",
    "wire.js": "text/javascript; charset=utf-8",
    "view.js": "text/javascript; charset=utf-8",
    "feedback.js": "text/javascript; charset=utf-8",
    "chat.css": "text/css; charset=utf-8",
    "feedback.css": "text/css; charset=utf-8",
    "embed.js": "text/javascript; charset=utf-8",
    "favicon.svg": "image/svg+xml",
}
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self';"
    " form-action 'none'; base-uri 'none'; frame-ancestors {ancestors}"
)
SAFE = {"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer"}


@router.get("/")
async def chat_page(embed: bool = False) -> Response:  # noqa: FBT001, FBT002 (a query parameter)
    """The chat. Only the embedded form may stand in another site's frame."""
    return _page("chat.html", "*" if embed else "'none'")


@router.get("/{name}.js")
async def script(name: str) -> Response:
    """The page's scripts."""
    return _file(f"{name}.js")


@router.get("/{name}.css")
async def style(name: str) -> Response:
    """The page's style."""
    return _file(f"{name}.css")


@router.get("/favicon.svg")
async def icon() -> Response:
    """The page's icon."""
    return _file("favicon.svg")


def _page(name: str, ancestors: str) -> Response:
    answer = _file(name)
    answer.headers["Content-Security-Policy"] = POLICY.format(ancestors=ancestors)
    return answer


def _file(name: str) -> Response:
    if name not in FILES:
        return Response("Not found", 404)
    content = resources.files("api").joinpath("pages", name).read_bytes()
    return Response(content, media_type=FILES[name], headers=SAFE | {"Cache-Control": "no-cache"})
