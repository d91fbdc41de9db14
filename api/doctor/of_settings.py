"""Whether the settings are whole, private and strong; and where customers reach the service."""

import stat
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote, urlsplit

from api.doctor.findings import Checks, Finding, NotRun, verdict
from api.doctor.installation import Installation
from api.doctor.tls import Certificate, certificate
from graph.settings import ENV_FILE, ON_THIS_MACHINE, SECRETS_DIR, Settings
from tools.embedded.noted import NAME
from tools.embedded.parts import SANDBOX_CLIENT

LEAST, LEAST_DIFFERENT = 16, 8  # characters in a password
LEAST_DAYS = 14
XERO = "xero.com"

SETTINGS: Checks[Installation] = Checks()
add = SETTINGS.add


@add(
    "settings.readable",
    "whether every setting is there and can be read, and from where",
    "Correct the settings that are named; .env.example explains each.",
)
async def readable(here: Installation) -> Finding:
    """The names of those that are wrong, never their values."""
    places = [file for file in _files(here.folder) if file.exists()]
    files = [str(place) for place in (*places, SECRETS_DIR) if place]
    sources = f"from the environment{''.join(f', {file}' for file in files)}"
    wrong = [line.strip().partition(":")[0] for line in here.fault.splitlines()[1:]]
    named = ", ".join(name for name in wrong if name.isupper())
    evidence = f"missing or wrong: {named} ({sources})" if here.fault else sources
    return verdict(evidence, ok=not here.fault)


@add(
    "settings.private",
    "whether files with secrets can be read by their owner alone",
    "chmod 600 the files that are named.",
)
async def private(here: Installation) -> Finding:
    """The mode of each file."""
    files = [file for file in _files(here.folder) if file.exists()]
    wide = [str(f) for f in files if stat.S_IMODE(f.stat().st_mode) & (stat.S_IRWXG | stat.S_IRWXO)]
    evidence = f"others may read {', '.join(wide)}" if wide else f"{len(files)} files"
    return verdict(evidence, ok=not wide)


@add(
    "settings.secrets",
    "whether a password is short or repetitive, or the key to real books a demonstration's",
    "Make new ones, such as with: openssl rand -hex 32.",
)
async def secrets(here: Installation) -> Finding:
    """The names of those that are weak."""
    weak = list(_weak(here.settings))
    return verdict(f"weak: {', '.join(weak)}" if weak else "none is weak", ok=not weak)


@add(
    "settings.demo",
    "whether demo customers can sign in to somebody's real books",
    "Set TRIA_DEMO=false: with it anybody signs in without a password.",
)
async def demo(here: Installation) -> Finding:
    """Demo sign-in goes with the sandbox alone."""
    is_real, is_on = _is_real(here.settings), here.settings.tria_demo
    evidence = f"demo sign-in {'on' if is_on else 'off'}, {'real' if is_real else 'sandbox'} books"
    return verdict(evidence, ok=not (is_real and is_on))


@add(
    "address.public",
    "whether customers reach the service by TLS",
    "Put the proxy of deploy/proxy in front and set TRIA_PUBLIC_URL to its https:// address.",
)
async def public(here: Installation) -> Finding:
    """Without TLS only on this machine."""
    address = urlsplit(here.settings.public_url)
    is_local = address.hostname in ON_THIS_MACHINE
    evidence = f"{address.scheme}://{address.netloc}{', this machine alone' * is_local}"
    return verdict(evidence, ok=is_local or address.scheme == "https")


@add(
    "address.certificate",
    f"whether the certificate there is trusted, and for {LEAST_DAYS} days yet",
    "Renew it: see docs/staging.md.",
)
async def own_certificate(here: Installation) -> Finding:
    """As a browser would check it."""
    address = urlsplit(here.settings.public_url)
    if address.scheme != "https":
        raise NotRun("the public address has no TLS")
    return certified(await certificate(str(address.hostname), address.port or 443))


def certified(found: Certificate) -> Finding:
    """What a certificate comes to."""
    evidence = found.fault or f"{found.days_left:.0f} days left, at least {LEAST_DAYS}"
    return verdict(evidence, ok=not found.fault and found.days_left >= LEAST_DAYS)


def _files(folder: Path) -> Iterator[Path]:
    yield Path(ENV_FILE)
    yield folder / NAME
    yield folder / "secret"


def _weak(settings: Settings) -> Iterator[str]:
    """What the settings themselves do not refuse."""
    for name in ("database_url", "redis_url"):
        password = unquote(urlsplit(getattr(settings, name).get_secret_value()).password or "")
        is_needed = name == "database_url" or password
        if is_needed and (len(password) < LEAST or len(set(password)) < LEAST_DIFFERENT):
            yield f"the password of {name.upper()}"
    if _is_real(settings) and settings.xero_client_id == SANDBOX_CLIENT:
        yield "XERO_CLIENT_ID"


def _is_real(settings: Settings) -> bool:
    return (urlsplit(settings.xero_api_url).hostname or "").endswith(XERO)
