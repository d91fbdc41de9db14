"""What the edge lets in and lets out: TLS, headers, sizes, rates, tried from outside."""

import asyncio
import re
import ssl
import time

from api.doctor.findings import Checks, Finding, NotRun, verdict
from api.doctor.outside import Outside, message
from api.doctor.tls import speaks

OLD = (ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1)
MODERN = (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3)
LEAST_HSTS = 180 * 86_400
LARGEST = 64 * 1024
SLOW_SECONDS = 20.0
FLOOD, FLOOD_SECONDS, AT_ONCE = 3000, 20.0, 64

EDGE: Checks[Outside] = Checks()
add = EDGE.add


@add(
    "security.old-tls",
    "whether TLS 1.0 and 1.1 are refused",
    "ssl_protocols TLSv1.2 TLSv1.3;",
)
async def old_tls(there: Outside) -> Finding:
    """Each is offered alone."""
    there.need_tls()
    said = {v.name: await speaks(there.host, there.port, v) for v in OLD}
    if None in said.values():
        raise NotRun("the TLS library here cannot offer such old versions")
    taken = [name for name, yes in said.items() if yes]
    return verdict(f"taken: {', '.join(taken)}" if taken else "both are refused", ok=not taken)


@add("security.tls", "whether TLS 1.2 and 1.3 are taken", "ssl_protocols TLSv1.2 TLSv1.3;")
async def modern_tls(there: Outside) -> Finding:
    """Each is offered alone."""
    there.need_tls()
    taken = [v.name for v in MODERN if await speaks(there.host, there.port, v)]
    return verdict(f"taken: {', '.join(taken) or 'none'}", ok=len(taken) == len(MODERN))


@add(
    "security.hsts",
    "whether browsers are told to come by TLS alone, for half a year",
    'add_header Strict-Transport-Security "max-age=31536000" always;',
)
async def hsts(there: Outside) -> Finding:
    """On a page, and on an error."""
    there.need_tls()
    said = [
        (await there.http.get(path)).headers.get("strict-transport-security", "")
        for path in ("/", "/nowhere")
    ]
    ages = [int((re.findall(r"max-age=(\d+)", each) or [0])[0]) for each in said]
    return verdict(f"for {min(ages) // 86_400} days", ok=min(ages) >= LEAST_HSTS)


@add(
    "security.headers",
    "whether pages may load nothing from elsewhere, nor stand in other sites' frames",
    "The proxy must not take headers of the service away.",
)
async def headers(there: Outside) -> Finding:
    """Content-Security-Policy, nosniff and Referrer-Policy of the chat page."""
    found = (await there.http.get("/")).headers
    policy = found.get("content-security-policy", "")
    wrong = [
        part for part in ("default-src 'none'", "frame-ancestors 'none'") if part not in policy
    ]
    wrong += ["nosniff"] * (found.get("x-content-type-options") != "nosniff")
    wrong += ["Referrer-Policy"] * ("referrer-policy" not in found)
    return verdict(f"missing: {', '.join(wrong)}" if wrong else "all four", ok=not wrong)


@add(
    "security.server",
    "whether answers keep the versions of programs to themselves",
    "server_tokens off;",
)
async def server(there: Outside) -> Finding:
    """The headers Server and X-Powered-By."""
    found = (await there.http.get("/ok")).headers
    said = f"{found.get('server', '')} {found.get('x-powered-by', '')}".strip()
    return verdict(said or "nothing is said", ok=not re.search(r"\d", said))


@add(
    "security.body",
    f"whether a body above {LARGEST >> 10} kB is refused unread",
    "client_max_body_size 64k;",
)
async def body(there: Outside) -> Finding:
    """Twice as much as is allowed."""
    large = message("a" * (2 * LARGEST))
    answer = await there.customer().ask("POST", "/runs/wait", json=large)
    return verdict(f"{answer.status_code}", ok=answer.status_code == 413)


@add(
    "security.metrics",
    "whether metrics and the details of health are for insiders",
    "Close /metrics and /health at the proxy (deploy/proxy), or set TRIA_METRICS_OPEN=false.",
)
async def metrics(there: Outside) -> Finding:
    """Without a credential."""
    said = {path: (await there.http.get(path)).status_code for path in ("/metrics", "/health")}
    is_open = [path for path, status in said.items() if status not in (401, 403, 404)]
    return verdict(f"open: {', '.join(is_open)}" if is_open else "both are closed", ok=not is_open)


@add(
    "security.forwarded",
    "whether a customer's own X-Forwarded-For gains them nothing",
    "The proxy must set the header anew; name it in TRIA_TRUSTED_PROXIES.",
    stage=4,
)
async def forwarded(there: Outside) -> Finding:
    """Sent along it changes no answer: neither more nor less is allowed."""
    faked = {"X-Forwarded-For": "127.0.0.1", "X-Real-IP": "127.0.0.1", "Forwarded": "for=127.0.0.1"}
    paths = ("/metrics", "/health", "/admin/approvals")
    plain = [(await there.http.get(path)).status_code for path in paths]
    fake = [(await there.http.get(path, headers=faked)).status_code for path in paths]
    return verdict(f"answers: {', '.join(map(str, fake))}", ok=plain == fake and 200 not in fake)


@add(
    "security.slow",
    f"whether whoever sends a request for longer than {SLOW_SECONDS:.0f} s is cut off",
    "client_header_timeout 5s; client_body_timeout 10s;",
    stage=1,
    seconds=SLOW_SECONDS + 10,
)
async def slow(there: Outside) -> Finding:
    """The beginning of a request, and then nothing."""
    context = ssl.create_default_context(cafile=there.asked.ca) if there.is_tls else None
    reader, writer = await asyncio.open_connection(there.host, there.port, ssl=context)
    writer.write(f"POST /runs/wait HTTP/1.1\r\nHost: {there.host}\r\n".encode())
    started, is_cut = time.monotonic(), True
    try:
        await asyncio.wait_for(reader.read(), SLOW_SECONDS)
    except TimeoutError:
        is_cut = False
    except ConnectionResetError:
        is_cut = True
    writer.close()
    evidence = f"after {time.monotonic() - started:.0f} s" if is_cut else "is not cut off"
    return verdict(evidence, ok=is_cut)


@add(
    "security.rate",
    "whether whoever asks too much is told to wait",
    "Set limit_req at the proxy, or TRIA_USER_READS.",
    stage=5,
    seconds=FLOOD_SECONDS + 20,
)
async def rate(there: Outside) -> Finding:
    """A flood that stops at the first 429, after some seconds, or after some thousands."""
    end, sent, refused = time.monotonic() + FLOOD_SECONDS, 0, None
    while refused is None and sent < FLOOD and time.monotonic() < end:
        answers = await asyncio.gather(*(there.http.get("/threads/none") for _ in range(AT_ONCE)))
        sent += len(answers)
        refused = next((a for a in answers if a.status_code == 429), None)
    if refused is None:
        raise NotRun(f"no limit within {sent} requests: it may be higher, or there is none")
    wait = refused.headers.get("retry-after")
    return verdict(f"429 within {sent} requests, Retry-After {wait or 'missing'}", ok=bool(wait))
