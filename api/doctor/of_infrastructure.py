"""The address itself: its name, certificate, replicas and ports, and that streams flow."""

import asyncio
import contextlib
import socket
import time
from datetime import UTC
from email.utils import parsedate_to_datetime
from importlib.metadata import version

from api.doctor.findings import Checks, Finding, NotRun, verdict
from api.doctor.of_settings import LEAST_DAYS, certified
from api.doctor.outside import Outside
from api.doctor.tls import certificate

MOST_SKEW = 5.0
PORTS = {5432: "Postgres", 6379: "Redis", 8000: "Chroma", 8003: "the service past its proxy"}
PORTS |= {9090: "Prometheus", 9093: "Alertmanager", 3000: "Grafana", 9187: "exporter"}
SPREAD = 0.2  # of a turn's time lies at least between its first event and its last

INFRASTRUCTURE: Checks[Outside] = Checks()
add = INFRASTRUCTURE.add


@add(
    "infrastructure.name",
    "whether the name leads somewhere",
    "Make an A record for it at whoever keeps the domain.",
)
async def name(there: Outside) -> Finding:
    """Every address that it resolves to."""
    found = await asyncio.get_running_loop().getaddrinfo(there.host, there.port)
    addresses = sorted({str(each[4][0]) for each in found})
    return verdict(f"{there.host}: {', '.join(addresses[:3])}", ok=True)


@add(
    "infrastructure.certificate",
    f"whether its certificate is trusted, and for {LEAST_DAYS} days yet",
    "Renew it: certbot renew; and see that its timer runs.",
)
async def its_certificate(there: Outside) -> Finding:
    """As a browser would check it."""
    there.need_tls()
    return certified(await certificate(there.host, there.port, there.asked.ca))


@add(
    "infrastructure.redirect",
    "whether http:// leads to https://",
    "Let the proxy answer port 80 with 301 to https://.",
)
async def redirect(there: Outside) -> Finding:
    """Where port 80 sends a browser; on another port than 443 there is none to ask."""
    there.need_tls()
    plain = there.asked.plain_port or (80 if there.port == 443 else 0)
    if not plain:
        raise NotRun("port 80 belongs to somebody else here: name another with --plain-port")
    answer = await there.http.get(f"http://{there.host}:{plain}/", follow_redirects=False)
    leads = answer.headers.get("location", "")
    is_well = answer.status_code in (301, 308) and leads.startswith("https://")
    return verdict(f"{answer.status_code} to {leads[:60] or 'nowhere'}", ok=is_well)


@add(
    "infrastructure.ready",
    "whether a replica takes messages",
    "See docker compose ps, and the runbook from its beginning.",
)
async def ready(there: Outside) -> Finding:
    """As the proxy lets it through."""
    answer = await there.http.get("/health/ready")
    return verdict(f"/health/ready: {answer.status_code}", ok=answer.status_code == 200)


@add(
    "infrastructure.version",
    "whether what runs is the version that is to be released",
    "Roll the release out, or run the doctor of the version that runs.",
)
async def release(there: Outside) -> Finding:
    """What /info says, and what is installed here."""
    theirs, ours = (await there.http.get("/info")).json().get("version"), version("tria")
    return verdict(f"{theirs} runs, {ours} is installed here", ok=theirs == ours)


@add(
    "infrastructure.replicas",
    "whether at least two replicas serve, so that one may leave",
    "Start the second: docker compose up -d --scale service-a=2.",
)
async def replicas(there: Outside) -> Finding:
    """As many as Prometheus scrapes."""
    found = await there.prometheus.number('sum(up{job="tria"})') or 0
    return verdict(f"{found:.0f} serve", ok=found >= 2)


@add(
    "infrastructure.clock",
    f"whether its clock and ours agree, within {MOST_SKEW:.0f} s",
    "Run chrony or systemd-timesyncd there.",
)
async def clock(there: Outside) -> Finding:
    """By the Date of an answer, which has whole seconds."""
    answer = await there.http.get("/info")
    told = parsedate_to_datetime(answer.headers["date"]).astimezone(UTC).timestamp()
    skew = max(0.0, abs(time.time() - told) - 1)
    return verdict(f"{skew:.0f} s apart", ok=skew <= MOST_SKEW)


@add(
    "infrastructure.ports",
    "whether databases and monitoring can be reached by anybody",
    "Close them in the firewall, and publish no port but the proxy's.",
)
async def ports(there: Outside) -> Finding:
    """Each is tried; on this machine they may well be open."""
    if there.is_here:
        raise NotRun("the address is on this machine: look from another one")
    others = [port for port in PORTS if port != there.port]
    is_open = await asyncio.gather(*(_opens(there.host, port) for port in others))
    found = [f"{port} ({PORTS[port]})" for port, yes in zip(others, is_open, strict=True) if yes]
    return verdict(f"open: {', '.join(found)}" if found else "all are closed", ok=not found)


@add(
    "infrastructure.stream",
    "whether words come as they are written, and not all at the end",
    "Turn buffering off in every proxy on the way (proxy_buffering off).",
    seconds=60,
)
async def stream(there: Outside) -> Finding:
    """How much of a turn's time lies between its first event and its last."""
    turn = await there.customer().say("which days do you deliver?")
    spread = (turn.events[-1].at - turn.events[0].at) / turn.seconds
    evidence = f"{len(turn.events)} events over {spread:.0%} of {turn.seconds:.1f} s"
    return verdict(evidence, ok=spread >= SPREAD)


async def _opens(host: str, port: int) -> bool:
    with contextlib.suppress(OSError, TimeoutError):
        async with asyncio.timeout(3):
            _, writer = await asyncio.open_connection(host, port, family=socket.AF_INET)
            writer.close()
            return True
    return False
