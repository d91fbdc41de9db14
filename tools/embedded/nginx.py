"""nginx with the configuration of production, as a plain process: for releases and tests here."""

import os
import shutil
import signal
import socket
import subprocess
from collections.abc import Mapping
from pathlib import Path
from string import Template

from tools.embedded.process import free_port, last_lines, spawn, stop, wait_until
from tools.errors import PartNotStarted

ROOT = Path(__file__).parents[2]
TEMPLATE = ROOT / "deploy" / "proxy" / "nginx.conf.template"
FETCHED = ROOT / ".tools" / "deploy" / "usr" / "sbin"
ROOMY = {"RATE": "1000", "BURST": "2000", "CONNECTIONS": "1000"}


def program() -> str | None:
    """The one on PATH, else the one that deploy/validators.sh has fetched."""
    return shutil.which("nginx") or shutil.which("nginx", path=str(FETCHED))


class Nginx:
    """One nginx on 127.0.0.1: `url` for the public, `operators_url` for whoever is on the machine.

    The folder of certificates holds certificate.pem and key.pem.
    """

    def __init__(
        self,
        folder: Path,
        certificates: Path,
        variables: Mapping[str, str] = ROOMY,
        template: Path = TEMPLATE,
    ) -> None:
        self.upstream = folder / "upstream.conf"
        self.config = folder / "nginx.conf"
        self.log = folder / "nginx.log"
        self.ports = {name: free_port() for name in ("HTTP", "HTTPS", "OPERATORS")}
        self._folder = folder
        self._template = template
        self._variables = {
            "RUN": str(folder),
            "LOG": str(folder / "access.log"),
            "CERTIFICATES": str(certificates),
            "UPSTREAM": str(self.upstream),
            "NAME": f"127.0.0.1:{self.ports['HTTPS']}",
            "RESOLVER": "127.0.0.1",  # asked for nothing: upstreams are addresses here
            **{name: f"127.0.0.1:{port}" for name, port in self.ports.items()},
            **variables,
        }
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Where customers come in."""
        return f"https://127.0.0.1:{self.ports['HTTPS']}"

    @property
    def operators_url(self) -> str:
        """Everything, without TLS."""
        return f"http://127.0.0.1:{self.ports['OPERATORS']}"

    def start(self, upstream: str) -> None:
        """Start in front of a service at `host:port`."""
        self._folder.mkdir(parents=True, exist_ok=True)
        self.upstream.write_text(f"set $service {upstream};\n")
        variables = {f"TRIA_PROXY_{name}": value for name, value in self._variables.items()}
        self.config.write_text(Template(self._template.read_text()).safe_substitute(variables))
        self.check()
        self._process = process = spawn(self._command(), self.log, signal.SIGTERM)

        def is_ready() -> bool:
            if process.poll() is not None:
                raise PartNotStarted(f"nginx ended at once:\n{last_lines(self.log)}")
            return _listens(self.ports["HTTPS"])

        wait_until(is_ready, 15, f"nginx did not start, see {self.log}")

    def check(self) -> None:
        """PartNotStarted where nginx refuses its configuration as it is now."""
        done = subprocess.run([*self._command(), "-t"], capture_output=True, text=True, check=False)
        if done.returncode:
            raise PartNotStarted(f"nginx refuses its configuration: {done.stderr}")

    def reload(self) -> None:
        """Go on with what `upstream` says now; what is under way ends where it began."""
        self.check()
        if self._process:
            self._process.send_signal(signal.SIGHUP)

    def stop(self) -> None:
        """End the proxy and what is still open at it."""
        if self._process:
            stop(self._process, signal.SIGTERM, 5)

    def _command(self) -> list[str]:
        found = program()
        if not found:
            raise PartNotStarted("There is no nginx here: sh deploy/validators.sh fetches it.")
        # As root it would give its workers to an account that may not read this folder.
        user = "user root;" if os.geteuid() == 0 else ""
        return [found, "-p", str(self._folder), "-c", str(self.config), "-g", f"daemon off; {user}"]


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
