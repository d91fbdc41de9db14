"""The doctor from outside: on the real service behind production's proxy, and on a careless one."""

import json
import os
import ssl
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from api.cli import command_parser
from api.doctor import of_edge, of_infrastructure, of_performance, of_traces
from api.doctor.findings import Finding, run_all
from api.doctor.lists import STAGING
from api.doctor.of_monitoring import MONITORING
from api.doctor.outside import Asked, outside
from api.doctor.prometheus import Prometheus
from tests.api.doctor.careless import CARELESS, ServedByTls
from tests.api.doctor.certificates import certificate, showing
from tests.api.doctor.conftest import Told, all_is_well
from tests.conftest import Served
from tools.embedded.nginx import Nginx, program

CHECKS = {check.id: check for check in STAGING}
LIMITS = {"RATE": "5", "BURST": "250", "CONNECTIONS": "100"}
SPEED = {check.id for check in STAGING if check.group == "performance"} - {"performance.errors"}
# What no check can see from the machine itself.
WAIVED = {"infrastructure.ports": "the address is on this machine"}


@pytest.fixture
def proxy(tmp_path: Path, service_url: str) -> Iterator[tuple[Nginx, Path]]:
    """Production's proxy before the service, and whom to trust."""
    if program() is None:
        pytest.skip("nginx is not here: sh deploy/validators.sh fetches it")
    trusted = certificate(tmp_path / "certificates", 30)
    nginx = Nginx(tmp_path / "proxy", trusted.parent, LIMITS)
    nginx.start(service_url.removeprefix("http://"))
    yield nginx, trusted
    nginx.stop()


def doctor(*words: str) -> "subprocess.CompletedProcess[str]":
    """`tria doctor` as somebody runs it elsewhere: it knows nothing of the service."""
    return subprocess.run(
        [sys.executable, "-m", "api.cli", "doctor", *words],
        env={"PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def test_a_go(proxy: tuple[Nginx, Path], told: tuple[Told, str], tmp_path: Path) -> None:
    """Every check runs and passes, an order is written, and the proxy's limit is found."""
    (nginx, trusted), (said, prometheus) = proxy, told
    all_is_well(said)
    said.say('sum(up{job="tria"})', 2)
    said.counts = of_traces.COUNTED
    log = tmp_path / "service.log"
    line = {"event": "turn", "level": "info", "timestamp": "2026-11-28T04:12:30.024903Z"}
    log.write_text(f"{json.dumps(line)}\n" * 3)
    options = ["--staging", "--json", "--turns", "3", "--write", "--url", nginx.url]
    options += ["--ca", str(trusted), "--plain-port", str(nginx.ports["HTTP"])]
    options += ["--prometheus", prometheus, "--log", str(log)]
    waivers = [word for name, why in WAIVED.items() for word in ("--waive", f"{name}={why}")]
    ended = doctor(*options, *waivers)
    assert not ended.stderr
    found = json.loads(ended.stdout)
    unwell = {r["id"]: r["evidence"] for r in found["checks"] if r["result"] != "pass"}
    assert unwell.pop("infrastructure.ports").startswith("the address is on this machine")
    # How fast it is here says nothing of the service: other tests run beside this one.
    is_slow = [unwell.pop(name) for name in SPEED if name in unwell]
    assert unwell == {}
    assert (ended.returncode, found["verdict"]) == ((1, "no-go") if is_slow else (0, "go"))


# Bars that nothing gets over, and patience that is not needed to see nothing.
BARS = {
    "performance.turns": (of_performance, "TURN_P95", 0),
    "performance.first": (of_performance, "FIRST_P95", 0),
    "performance.stalls": (of_performance, "STALL", 0),
    "performance.parallel": (of_performance, "TURN_P95", 0),
    "performance.connect": (of_performance, "CONNECT_P95", 0),
    "infrastructure.clock": (of_infrastructure, "MOST_SKEW", -1),
    "monitoring.counted": (of_traces, "SCRAPE_SECONDS", 0),
    "security.slow": (of_edge, "SLOW_SECONDS", 0.3),
}
BY_TLS = {
    "infrastructure.certificate",
    "infrastructure.redirect",
    "security.old-tls",
    "security.tls",
    "security.hsts",
}
SHARED = {check.id for check in MONITORING.all}
OTHERS = {"infrastructure.name", "infrastructure.ports"}


async def look(name: str, asked: Asked, prometheus: str | None = None, **known: Any) -> Finding:
    async with outside(asked, Prometheus(prometheus)) as there:
        there.__dict__.update(known)
        if name in ("performance.first", "performance.stalls"):
            there.turns = [await there.customer().say("hello")]
        if name == "performance.errors":
            await there.http.get("/health/ready")
        [found] = await run_all([CHECKS[name]], there, {})
        return found.finding


@pytest.mark.parametrize("name", sorted(CHECKS.keys() - SHARED - BY_TLS - OTHERS))
async def test_a_careless_service_fails(
    name: str, told: tuple[Told, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if name in BARS:
        monkeypatch.setattr(*BARS[name])
    log = tmp_path / "service.log"
    log.write_text('first\n{"event": "a", "level": "info", "timestamp": "b"}\nnot JSON\n')
    with Served(CARELESS) as served:
        asked = Asked(served.url, log=log, turns=2, may_write=True)
        found = await look(name, asked, told[1])
    assert (found.result, bool(found.to_do)) == ("fail", True), found


@pytest.mark.parametrize("name", sorted(BY_TLS))
async def test_careless_tls_fails(name: str, tmp_path: Path) -> None:
    trusted = certificate(tmp_path / "certificates", 5)
    ca = None if name == "infrastructure.certificate" else str(trusted)
    with ExitStack() as stack:
        served = stack.enter_context(ServedByTls(CARELESS, trusted.parent))
        plain, port = stack.enter_context(Served(CARELESS)).port, served.port
        if name in ("security.old-tls", "security.tls"):
            old = ssl.TLSVersion.TLSv1_1, ssl.TLSVersion.TLSv1_2
            port = stack.enter_context(showing(trusted.parent, *old))
        asked = Asked(f"https://127.0.0.1:{port}", ("token",), ca, plain_port=plain)
        found = await look(name, asked)
    assert found.result == "fail", found


async def test_a_name_that_leads_nowhere() -> None:
    found = await look("infrastructure.name", Asked("https://nowhere.invalid"))
    assert found.result == "fail"


async def test_a_port_that_is_open(monkeypatch: pytest.MonkeyPatch) -> None:
    with Served(CARELESS) as served, Served(CARELESS) as database:
        here = await look("infrastructure.ports", Asked(served.url))
        monkeypatch.setattr(of_infrastructure, "PORTS", {database.port: "Postgres"})
        found = await look("infrastructure.ports", Asked(served.url), is_here=False)
    assert here.result == "not run"
    assert (found.result, found.evidence) == ("fail", f"open: {database.port} (Postgres)")


async def test_nobody_answers() -> None:
    """Nothing passes, and nothing hangs."""
    async with outside(Asked("http://127.0.0.1:1"), Prometheus(None)) as there:
        found = await run_all(STAGING, there, {})
    passed = {each.check.id for each in found if each.finding.result == "pass"}
    assert passed == {"infrastructure.name", "performance.errors"}


async def test_without_a_credential_what_needs_one_is_not_run(service_url: str) -> None:
    async with outside(Asked(service_url), Prometheus(None)) as there:
        there.tokens = ("only one",)
        names = ("security.foreign-thread", "function.write")
        found = await run_all([CHECKS[name] for name in names], there, {})
    assert {each.finding.result for each in found} == {"not run"}
    assert "a second line" in found[0].finding.evidence
    assert "--write" in found[1].finding.evidence


@pytest.mark.parametrize("text", ["no.such=check", "security.rate=", "x"])
def test_a_waiver_names_a_check_and_a_reason(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        command_parser().parse_args(["doctor", "--waive", text])
    assert "ID=REASON" in capsys.readouterr().err


def test_without_an_address_it_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    asked = command_parser().parse_args(["doctor", "--staging"])
    assert asked.diagnose(asked, lambda: None) == 2
    assert "--url" in capsys.readouterr().err
