#!/usr/bin/env python3
"""A release without a failed request: the next colour starts beside the live one and takes over.

    python3 deploy/release/switch.py deploy/release/compose.toml

Needs nothing but Python 3.11. The file names two colours, where the proxy reaches them, and the
command of a step, which has succeeded when it ends with 0. The release ends with 0 when the next
colour serves, with 1 when it was given up before anybody met it, with 2 when the proxy was put
back to the colour that served before, and with 3 when a person has to look.
"""

import contextlib
import fcntl
import os
import re
import shlex
import signal
import subprocess
import sys
import time
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

from readings import Bars, Reading, problem_of, read  # beside this file

RELEASED, ABORTED, ROLLED_BACK, STUCK = 0, 1, 2, 3
READY_TIMES = 3
LOOK_SECONDS = 1.0
STEP_SECONDS = 600.0
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
# While the proxy changes over nothing may hang longer than this.
QUICK_SECONDS = 60.0


class StepFailed(Exception):
    """A step's command ended otherwise than with 0, or not in time."""


@dataclass(frozen=True)
class Site:
    """Where a release happens: the proxy's file, the colours with their addresses, the command."""

    upstream: Path
    colours: Mapping[str, str]
    command: str
    bars: Bars

    @classmethod
    def read(cls, file: Path) -> "Site":
        """As the file has it; a path in it is seen from where the release is started."""
        found = tomllib.loads(file.read_text())
        bars = Bars(**found.get("bars", {}))
        return cls(Path(found["upstream"]), found["colours"], found["command"], bars)

    def live(self) -> str:
        """The colour that the proxy's file names."""
        text = self.upstream.read_text()
        named = [colour for colour, address in self.colours.items() if _place(address).search(text)]
        if len(named) != 1:
            sys.exit(f"{self.upstream} names {named or 'no colour'}: it must name one.")
        return named[0]

    def point_to(self, colour: str) -> None:
        """Have the file name another colour: whoever reads it finds the one or the other."""
        text = self.upstream.read_text()
        for address in self.colours.values():
            text = _place(address).sub(self.colours[colour], text)
        draft = self.upstream.with_suffix(".draft")
        with draft.open("w") as sink:
            sink.write(text)
            sink.flush()
            os.fsync(sink.fileno())
        draft.chmod(self.upstream.stat().st_mode)
        draft.replace(self.upstream)

    def do(self, step: str, colour: str, seconds: float = STEP_SECONDS) -> str:
        """Run a step's command and return what it printed; StepFailed with the end of it."""
        words = shlex.split(self.command)
        command = [w.replace("{step}", step).replace("{colour}", colour) for w in words]
        try:
            done = subprocess.run(
                command, capture_output=True, text=True, timeout=seconds, check=False
            )
        except subprocess.TimeoutExpired as error:
            raise StepFailed(f"{step} took longer than {seconds:g} s") from error
        if done.returncode:
            said = (done.stderr or done.stdout).strip().splitlines()[-3:]
            raise StepFailed(f"{step} ended with {done.returncode}: {' / '.join(said)}")
        return done.stdout


def _place(address: str) -> re.Pattern[str]:
    """Where an address stands, and not where another one begins with it."""
    return re.compile(rf"(?<=\s){re.escape(address)}(?=[;\s])")


def release(site: Site) -> int:
    """All the steps; how it ended."""
    live = site.live()
    coming = next(colour for colour in site.colours if colour != live)
    try:
        for step in ("build", "migrate", "start"):
            _say(f"{step} {coming}")
            site.do(step, coming)
        _wait_until_ready(site, coming)
        _say(f"smoke {coming}")
        site.do("smoke", coming, QUICK_SECONDS)
    except (StepFailed, Stopped) as failure:
        return _give_up(site, coming, live, failure)
    try:
        before = read(site.do("metrics", coming, QUICK_SECONDS))
        _switch(site, coming)
        _watch(site, coming, before)
    except (StepFailed, Stopped) as failure:
        return _roll_back(site, coming, live, failure)
    return _retire(site, live, coming)


def _wait_until_ready(site: Site, colour: str) -> None:
    """Until it has said so some times in a row: one that comes and goes is not ready."""
    end, times = time.monotonic() + site.bars.ready_seconds, 0
    while times < READY_TIMES:
        try:
            site.do("ready", colour, QUICK_SECONDS)
            times += 1
        except StepFailed as failure:
            times = 0
            if time.monotonic() > end:
                raise StepFailed(f"not ready in {site.bars.ready_seconds:g} s: {failure}") from None
        time.sleep(LOOK_SECONDS)
    _say(f"{colour} is ready")


def _switch(site: Site, colour: str) -> None:
    """New requests go to this colour; those under way end where they are."""
    site.point_to(colour)
    site.do("check", colour, QUICK_SECONDS)
    site.do("reload", colour, QUICK_SECONDS)
    _say(f"the proxy sends requests to {colour}")


def _watch(site: Site, colour: str, before: Reading) -> None:
    """Look at what customers get of it; StepFailed as soon as that is not good enough."""
    bars, started, asked = site.bars, time.monotonic(), time.monotonic()
    missed, seen = 0, before
    while time.monotonic() < started + bars.watch_seconds:
        time.sleep(LOOK_SECONDS)
        try:
            seen = read(site.do("metrics", colour, QUICK_SECONDS))
            missed = 0
        except StepFailed:
            missed += 1
            if missed == READY_TIMES:
                raise
            continue
        if problem := problem_of(before, seen, bars):
            raise StepFailed(problem)
        if time.monotonic() > asked + bars.smoke_seconds:  # also where no customer writes
            site.do("smoke", colour, QUICK_SECONDS)
            asked = time.monotonic()
    _say(f"watched {colour} for {bars.watch_seconds:g} s: {seen.since(before).told}")


def _give_up(site: Site, coming: str, live: str, failure: Exception) -> int:
    _say(f"ABORTED: {failure}")
    with contextlib.suppress(StepFailed):
        site.do("stop", coming)
    _say(f"{live} serves as before")
    return ABORTED


def _roll_back(site: Site, coming: str, live: str, failure: Exception) -> int:
    _say(f"ROLLING BACK: {failure}")
    site.point_to(live)
    try:
        site.do("reload", live, QUICK_SECONDS)
    except StepFailed as stuck:
        _say(f"STUCK: the proxy was not put back to {live}: {stuck}")
        return STUCK
    _say(f"the proxy sends requests to {live} again")
    with contextlib.suppress(StepFailed):
        site.do("stop", coming)
    return ROLLED_BACK


def _retire(site: Site, live: str, coming: str) -> int:
    """Let what is open at the old colour end, then let it leave as it does: it hands over."""
    end = time.monotonic() + site.bars.drain_seconds
    with contextlib.suppress(StepFailed):
        while read(site.do("metrics", live, QUICK_SECONDS)).busy and time.monotonic() < end:
            time.sleep(LOOK_SECONDS)
    _say(f"stop {live}")
    try:
        site.do("stop", live)
    except StepFailed as failure:
        _say(f"STUCK: {coming} serves, and {live} was not stopped: {failure}")
        return STUCK
    _say(f"RELEASED: {coming} serves")
    return RELEASED


class Stopped(Exception):
    """Somebody pressed Ctrl-C, or the machine goes down."""


def _on_signal(number: int, _frame: FrameType | None) -> None:
    for each in SIGNALS:  # what follows puts things right, and must not be cut
        signal.signal(each, signal.SIG_IGN)
    raise Stopped(f"signal {number}")


@contextlib.contextmanager
def _alone(upstream: Path) -> Iterator[None]:
    """Two releases at once would stop each other's colours."""
    with upstream.with_suffix(".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            sys.exit("Another release is under way here.")
        yield


def _say(what: str) -> None:
    print(f"{time.strftime('%Y-%m-%dT%H:%M:%S%z')} {what}", flush=True)


def main() -> int:
    """Release by the file that is named."""
    if len(sys.argv) != 2:
        sys.exit(str(__doc__))
    for number in SIGNALS:
        signal.signal(number, _on_signal)
    site = Site.read(Path(sys.argv[1]))
    with _alone(site.upstream):
        return release(site)


if __name__ == "__main__":
    sys.exit(main())
