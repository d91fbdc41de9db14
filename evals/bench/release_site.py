"""Where releases are tried out: two colours as plain processes behind production's nginx."""

import contextlib
import os
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import httpx

from tools.embedded.chroma import Chroma
from tools.embedded.nginx import Nginx, program
from tools.embedded.process import free_port, wait_until

ROOT = Path(__file__).parents[2]
RELEASE = ROOT / "deploy" / "release"
COLOURS = ("service-a", "service-b")
RELEASE_SECONDS = 600.0
START_SECONDS = 180.0
CERTIFICATE = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2")


@dataclass(frozen=True)
class Released:
    """How a release ended, and its log."""

    code: int
    log: str


@dataclass
class Site:
    """Two colours on shared parts, a proxy, and what a release is told."""

    folder: Path
    variables: dict[str, str]
    ports: dict[str, int]
    proxy: Nginx

    @property
    def url(self) -> str:
        """Where customers come in."""
        return self.proxy.url

    @property
    def live(self) -> str:
        """The colour that the proxy's file names."""
        text = self.proxy.upstream.read_text()
        return next(c for c, port in self.ports.items() if f":{port};" in text)

    @property
    def idle(self) -> str:
        """The other one."""
        return next(colour for colour in COLOURS if colour != self.live)

    def prepare(self, colour: str, **changes: str) -> None:
        """The settings of a colour's version, with changes for one that is no good."""
        own = {
            "TRIA_PORT": str(self.ports[colour]),
            "TRIA_HOME": str(ROOT),
            "TRIA_PYTHON": sys.executable,
            "TRIA_MODULE": "evals.bench.release_served",
            "TRIA_TRUSTED_PROXIES": "127.0.0.1",
        }
        lines = [f"{k}={shlex.quote(v)}\n" for k, v in (self.variables | own | changes).items()]
        (self.folder / f"{colour}.env").write_text("".join(lines))

    def step(self, step: str, colour: str) -> None:
        """One step by hand."""
        command = ["sh", str(RELEASE / "process.sh"), step, colour]
        subprocess.run(command, env=self._environment, check=True, timeout=120)

    def is_ready(self, colour: str) -> bool:
        """Whether it takes messages."""
        url = f"http://127.0.0.1:{self.ports[colour]}/health/ready"
        with contextlib.suppress(httpx.TransportError):
            return httpx.get(url, timeout=2, trust_env=False).status_code == httpx.codes.OK
        return False

    def release(self, **bars: float) -> Released:
        """Have the other colour take over."""
        file = self.folder / "release.toml"
        file.write_text(self._told(bars))
        done = subprocess.run(
            [sys.executable, str(RELEASE / "switch.py"), str(file)],
            env=self._environment,
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=RELEASE_SECONDS,
            check=False,
        )
        return Released(done.returncode, done.stdout + done.stderr)

    @property
    def _environment(self) -> dict[str, str]:
        nginx = f"{program()} -p {self.folder} -c {self.proxy.config}"
        return {"PATH": os.environ["PATH"], "TRIA_COLOURS": str(self.folder), "TRIA_NGINX": nginx}

    def _told(self, bars: Mapping[str, float]) -> str:
        lines = [
            f'upstream = "{self.proxy.upstream}"',
            f'command = "sh {RELEASE / "process.sh"} {{step}} {{colour}}"',
            "[colours]",
            *(f'{colour} = "127.0.0.1:{port}"' for colour, port in self.ports.items()),
            "[bars]",
            *(f"{name} = {value}" for name, value in bars.items()),
        ]
        return "\n".join(lines)


@contextlib.contextmanager
def standing_site(folder: Path, variables: Mapping[str, str]) -> Iterator[Site]:
    """The first colour behind the proxy, on a migrated database; everything ends with it."""
    certify(folder)
    proxy, chroma = Nginx(folder, folder), Chroma(folder / "chroma-server")
    shared = {"CHROMA_URL": chroma.start(), "TRIA_PUBLIC_URL": proxy.url}
    site = Site(folder, {**variables, **shared}, {c: free_port() for c in COLOURS}, proxy)
    try:
        for colour in COLOURS:
            site.prepare(colour)
        site.step("start", COLOURS[0])
        proxy.start(f"127.0.0.1:{site.ports[COLOURS[0]]}")
        wait_until(lambda: site.is_ready(COLOURS[0]), START_SECONDS, "the first version never came")
        yield site
    finally:
        proxy.stop()
        chroma.stop()
        for colour in COLOURS:
            _end(folder / f"{colour}.pid")


def certify(folder: Path) -> None:
    """A certificate of nobody's, for the proxy."""
    files = ("-keyout", str(folder / "key.pem"), "-out", str(folder / "certificate.pem"))
    name = ("-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1")
    command = ["openssl", "req", "-x509", *CERTIFICATE, *files, *name]
    subprocess.run(command, check=True, capture_output=True)


def _end(file: Path) -> None:
    with contextlib.suppress(FileNotFoundError, ProcessLookupError, ValueError):
        os.kill(int(file.read_text()), signal.SIGKILL)
