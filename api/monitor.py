"""`make monitor`: Prometheus, Alertmanager and the exporters beside a service that runs."""

import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urlsplit

from api.launch import until_stopped
from monitoring.alertmanager.config import FOLDER as ALERTS
from monitoring.alertmanager.config import SECRETS, Delivery, addresses, alertmanager
from monitoring.files import FOLDER, as_yaml
from monitoring.programs import program
from monitoring.prometheus.scraping import BLACKBOX, Targets, prometheus
from tools.embedded.noted import read_noted
from tools.embedded.parts import is_free
from tools.embedded.process import free_port, last_lines, spawn, stop, wait_until
from tools.errors import PartNotStarted

PROMETHEUS, ALERTMANAGER = 9090, 9093
START_SECONDS = 30
SCRAPE_SECONDS = 5
HERE = ("127.0.0.1", "::1", "localhost")


@dataclass(frozen=True)
class Watched:
    """The service that is looked at, its parts where they are known, and where to keep data."""

    folder: Path
    service: str
    database_url: str = ""
    redis_url: str = ""
    seconds: int = SCRAPE_SECONDS


class Started:
    """Programs that run until the end of a `with`, each with a log in the folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._processes: dict[str, subprocess.Popen[bytes]] = {}

    def start(
        self, name: str, arguments: Sequence[str], ready: str, extra: Mapping[str, str]
    ) -> None:
        """Start one and wait until its address answers."""
        path, log = program(name), self.folder / f"{name}.log"
        if path is None:
            raise PartNotStarted(f"There is no {name} here: sh deploy/monitoring.sh fetches it.")
        process = spawn([path, *arguments], log, signal.SIGTERM, {**os.environ, **extra})
        self._processes[name] = process
        wait_until(
            lambda: process.poll() is not None or _answers(ready),
            START_SECONDS,
            f"{name} did not start:\n{last_lines(log)}",
        )
        self.check()

    def check(self) -> None:
        """Raises PartNotStarted when one has ended by itself."""
        for name, process in self._processes.items():
            if process.poll() is not None:
                log = last_lines(self.folder / f"{name}.log")
                raise PartNotStarted(f"{name} ended by itself:\n{log}")

    def stop(self) -> None:
        """End them all, the last one first."""
        for process in reversed(self._processes.values()):
            stop(process, signal.SIGTERM)


def main() -> int:
    """Watch the service until Ctrl-C."""
    return until_stopped(_run)


def _run(configured: Mapping[str, str]) -> int:
    folder = Path(configured.get("TRIA_DATA", ".tria")).resolve()
    known = {**read_noted(folder), **configured}
    host, port = known.get("TRIA_HOST", "127.0.0.1"), known.get("TRIA_PORT", "8003")
    watched = Watched(
        folder / "monitoring",
        f"{'127.0.0.1' if host == '0.0.0.0' else host}:{port}",  # noqa: S104 (read)
        known.get("DATABASE_URL", ""),
        known.get("REDIS_URL", ""),
    )
    with monitoring(watched, PROMETHEUS, ALERTMANAGER) as (targets, started):
        _greet(watched, targets)
        while True:
            time.sleep(1)
            started.check()


@contextmanager
def monitoring(
    watched: Watched, prometheus_port: int = 0, alertmanager_port: int = 0
) -> Iterator[tuple[Targets, Started]]:
    """Everything, on loopback; a port that is taken, or 0, becomes another one."""
    (watched.folder / "textfiles").mkdir(parents=True, exist_ok=True)
    started = Started(watched.folder)
    try:
        targets = _exporters(watched, started)
        targets = _alertmanager(targets, started, _address(alertmanager_port))
        yield _prometheus(targets, started, _address(prometheus_port)), started
    finally:
        started.stop()


def _address(wanted: int = 0) -> str:
    return f"127.0.0.1:{wanted if wanted and is_free(wanted) else free_port()}"


def _exporters(watched: Watched, started: Started) -> Targets:
    blackbox, node = _address(), _address()
    file = started.folder / "blackbox.yml"
    file.write_text(as_yaml(BLACKBOX))
    _export(started, "blackbox", blackbox, f"--config.file={file}")
    textfiles = started.folder / "textfiles"
    _export(started, "node", node, f"--collector.textfile.directory={textfiles}")
    key = started.folder / "secrets" / "metrics_key"
    targets = Targets(
        service=(watched.service,),
        key=str(key) if key.exists() else "",
        node=node,
        blackbox=blackbox,
        ready=(f"http://{watched.service}/health/ready",),
        rules=str(FOLDER / "prometheus" / "rules.yml"),
        seconds=watched.seconds,
    )
    if watched.database_url:
        targets = replace(targets, postgres=_address())
        secret = {"DATA_SOURCE_NAME": _for_exporter(watched.database_url)}
        _export(started, "postgres", targets.postgres, secret=secret)
    if watched.redis_url:
        targets = replace(targets, redis=_address())
        url = urlsplit(watched.redis_url)
        secret = {"REDIS_ADDR": f"redis://{url.hostname}:{url.port or 6379}"}
        secret |= {"REDIS_PASSWORD": url.password} if url.password else {}
        _export(started, "redis", targets.redis, secret=secret)
    return targets


def _export(
    started: Started, name: str, address: str, *more: str, secret: Mapping[str, str] | None = None
) -> None:
    """Secrets go by the environment: a command line is visible to every user."""
    arguments = [f"--web.listen-address={address}", *more]
    started.start(
        f"prometheus-{name}-exporter", arguments, f"http://{address}/metrics", secret or {}
    )


def _for_exporter(url: str) -> str:
    """The exporter asks for TLS where nothing is said; on this machine there is none."""
    if urlsplit(url).hostname not in HERE or "sslmode=" in url:
        return url
    return f"{url}{'&' if '?' in url else '?'}sslmode=disable"


def _alertmanager(targets: Targets, started: Started, address: str) -> Targets:
    """Alerts reach whoever there is a secret for; without any they are only shown."""
    if program("prometheus-alertmanager") is None:
        return targets
    secrets = started.folder / "secrets"
    secrets.mkdir(mode=0o700, exist_ok=True)
    delivery = Delivery(
        addresses=addresses(),
        secrets=str(secrets),
        present=[name for name in SECRETS if (secrets / name).exists()],
        templates=str(ALERTS / "templates" / "*.tmpl"),
    )
    file = started.folder / "alertmanager.yml"
    file.write_text(as_yaml(alertmanager(delivery)))
    arguments = [
        f"--config.file={file}",
        f"--storage.path={started.folder / 'alertmanager'}",
        f"--web.listen-address={address}",
        "--cluster.listen-address=",
    ]
    started.start("prometheus-alertmanager", arguments, f"http://{address}/-/ready", {})
    return replace(targets, alertmanager=address)


def _prometheus(targets: Targets, started: Started, address: str) -> Targets:
    complete = replace(targets, prometheus=address)
    file = started.folder / "prometheus.yml"
    file.write_text(as_yaml(prometheus(complete)))
    arguments = [
        f"--config.file={file}",
        f"--storage.tsdb.path={started.folder / 'prometheus'}",
        "--storage.tsdb.retention.time=15d",
        f"--web.listen-address={address}",
    ]
    started.start("prometheus", arguments, f"http://{address}/-/ready", {})
    return complete


def _answers(url: str) -> bool:
    try:
        urllib.request.urlopen(url, timeout=2).close()  # noqa: S310 (our own)
    except (urllib.error.URLError, OSError):
        return False
    return True


def _greet(watched: Watched, targets: Targets) -> None:
    at = f"http://{targets.prometheus}"
    at += "/classic" * _answers(f"{at}/classic/alerts")  # where Debian's pages are
    print(f"\nThe service at http://{watched.service} is watched.\n")
    print(f"  Alerts         {at}/alerts")
    print(f"  Targets        {at}/targets")
    print(f"  Queries        {at}/graph")
    if targets.alertmanager:
        print(f"  Told           amtool alert --alertmanager.url=http://{targets.alertmanager}")
        print(f"  Told where     {watched.folder / 'secrets'}: {', '.join(SECRETS)}")
    else:
        print("  Told           nobody: apt-get install prometheus-alertmanager")
    print("  Dashboards     need Grafana: docker compose up")
    if not _answers(f"http://{watched.service}/health/live"):
        print("\nNothing answers there yet: make run, at another terminal.")
    if not targets.postgres:
        print("Neither Postgres nor Redis is watched: their addresses are not known.")
    print("\nCtrl-C stops everything.", flush=True)


if __name__ == "__main__":
    sys.exit(main())
