"""A release: nobody notices a good version, nobody meets one that is not ready, a bad one goes."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from evals.bench.release import play
from evals.bench.release_load import MODEL, Load, under_load
from evals.bench.release_site import RELEASE, Site, standing_site
from tests.deploy.scripts import run_script
from tools.embedded.nginx import program
from tools.embedded.process import wait_until

BARS = {"watch_seconds": 4.0, "ready_seconds": 180.0}
UPSTREAM = "# Which colour serves.\nset $service service-a:8003;\n"


@pytest.fixture(scope="module")
def site(environment: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    if not program():
        pytest.skip("there is no nginx: sh deploy/validators.sh fetches it")
    stand_in = environment["XERO_API_URL"].removesuffix("/xero")
    httpx.post(f"{stand_in}/control/model", json=MODEL).raise_for_status()
    model = {"OPENAI_API_KEY": "any-key", "OPENAI_BASE_URL": f"{stand_in}/openai/v1"}
    with standing_site(tmp_path_factory.mktemp("release"), environment | model) as standing:
        yield standing
    httpx.post(f"{stand_in}/control/model", json={"mode": "echo"}).raise_for_status()


@pytest.fixture
def load(site: Site) -> Iterator[Load]:
    with under_load(site) as load:
        wait_until(lambda: len(load.asked) > 20, 120, "nobody asks anything")
        yield load


def test_a_good_version_takes_over_and_no_request_fails(site: Site, load: Load) -> None:
    before = site.live
    played = play(site, load, {}, BARS)
    assert played.code == 0, played.log
    assert site.live != before
    assert played.failed == []
    assert sum(each.is_stream for each in played.asked) > 5
    assert not site.is_ready(before)


def test_one_that_is_not_ready_is_given_up_before_anybody_meets_it(site: Site, load: Load) -> None:
    before = site.live
    played = play(site, load, {"TRIA_BAD": "unready"}, BARS | {"ready_seconds": 5.0})
    assert played.code == 1, played.log
    assert (site.live, site.is_ready(before)) == (before, True)
    assert played.failed == []


def test_one_that_fails_behind_the_proxy_is_taken_back_by_itself(site: Site, load: Load) -> None:
    before = site.live
    played = play(site, load, {"TRIA_BAD": "errors"}, BARS | {"watch_seconds": 30.0})
    assert played.code == 2, played.log
    assert (site.live, site.is_ready(before)) == (before, True)
    assert played.failed  # else it was not bad
    assert played.bad_seconds < 15


class Rehearsal:
    """A release whose steps only write down that they were taken; some fail."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "upstream.conf").write_text(UPSTREAM)
        (folder / "metrics").write_text("")

    def release(self, fails: str = "", **bars: float) -> int:
        return self.begin(fails, **bars).wait(60)

    def begin(self, fails: str = "", **bars: float) -> "subprocess.Popen[bytes]":
        (self.folder / "step.sh").write_text(
            f'echo "$1 $2" >> {self.folder}/taken\n'
            f'[ "$1" != metrics ] || cat {self.folder}/metrics\n'
            f'case " {fails} " in *" $1 "* | *" $1:$2 "*) echo broken >&2; exit 1 ;; esac\n'
        )
        lines = [
            f'upstream = "{self.folder}/upstream.conf"',
            f'command = "sh {self.folder}/step.sh {{step}} {{colour}}"',
            '[colours]\nservice-a = "service-a:8003"\nservice-b = "service-b:8003"\n[bars]',
            *(f"{k} = {v}" for k, v in ({"ready_seconds": 0, "watch_seconds": 2} | bars).items()),
        ]
        (self.folder / "site.toml").write_text("\n".join(lines))
        command = [sys.executable, str(RELEASE / "switch.py"), str(self.folder / "site.toml")]
        return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    @property
    def taken(self) -> list[str]:
        lines = (self.folder / "taken").read_text().splitlines()
        return [line for n, line in enumerate(lines) if n == 0 or line != lines[n - 1]]

    @property
    def live(self) -> str:
        return (self.folder / "upstream.conf").read_text().split()[-1].partition(":")[0]


@pytest.fixture
def rehearsal(tmp_path: Path) -> Rehearsal:
    return Rehearsal(tmp_path)


def test_the_steps_are_taken_in_order(rehearsal: Rehearsal) -> None:
    assert rehearsal.release() == 0
    assert rehearsal.live == "service-b"
    assert rehearsal.taken == [
        *("build service-b", "migrate service-b", "start service-b", "ready service-b"),
        *("smoke service-b", "metrics service-b", "check service-b", "reload service-b"),
        *("metrics service-b", "metrics service-a", "stop service-a"),
    ]
    assert (rehearsal.folder / "upstream.conf").read_text() == UPSTREAM.replace("-a:", "-b:")


@pytest.mark.parametrize("step", ["build", "migrate", "start", "ready", "smoke"])
def test_what_fails_before_the_switch_changes_nothing(rehearsal: Rehearsal, step: str) -> None:
    assert rehearsal.release(fails=step) == 1
    assert rehearsal.live == "service-a"
    assert rehearsal.taken[-1] == "stop service-b"
    assert not [taken for taken in rehearsal.taken if taken.startswith("reload")]


@pytest.mark.parametrize("step", ["check", "reload:service-b"])
def test_a_proxy_that_refuses_is_put_back(rehearsal: Rehearsal, step: str) -> None:
    assert rehearsal.release(fails=step) == 2
    assert rehearsal.live == "service-a"
    assert rehearsal.taken[-2:] == ["reload service-a", "stop service-b"]


@pytest.mark.parametrize(("step", "live"), [("reload", "service-a"), ("stop", "service-b")])
def test_what_only_a_person_can_put_right_is_said(
    rehearsal: Rehearsal, step: str, live: str
) -> None:
    assert rehearsal.release(fails=step) == 3
    assert rehearsal.live == live


def test_one_that_is_stopped_while_it_watches_is_taken_back(rehearsal: Rehearsal) -> None:
    under_way = rehearsal.begin(watch_seconds=60)
    wait_until(lambda: rehearsal.live == "service-b", 30, "it never switched")
    assert rehearsal.release() == 1  # another one has to wait
    wait_until(lambda: "reload service-b" in rehearsal.taken, 30, "it never switched")
    under_way.terminate()
    assert under_way.wait(30) == 2
    assert rehearsal.live == "service-a"


def test_an_upstream_that_names_neither_stops_it_at_once(rehearsal: Rehearsal) -> None:
    (rehearsal.folder / "upstream.conf").write_text("set $service service-c:8003;\n")
    assert rehearsal.release() == 1
    assert not (rehearsal.folder / "taken").exists()


def test_a_step_that_compose_has_not_is_refused() -> None:
    assert run_script(RELEASE / "compose.sh", "leap", "service-a").returncode == 64
