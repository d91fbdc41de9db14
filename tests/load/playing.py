"""Plays a scenario: the stand, the customers, the samples; then looks at everything and judges."""

import json
import signal
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from subprocess import Popen
from typing import Any

import httpx

from graph.settings import environment
from tests.load.checking import ended, left_over, violations
from tests.load.figures import figures_of
from tests.load.judging import Verdict, judged
from tests.load.sampling import Sampler
from tests.load.scenarios import CROWD, THINK_SECONDS, Scenario
from tests.load.stand import SEED, Stand, standing
from tests.load.talks import Told, read_history, talks_of
from tools.embedded.process import last_lines, spawn, stop

LOCUSTFILE = Path(__file__).with_name("locustfile.py")
DRAIN_SECONDS = 130  # in which every turn ends: the customers' deadline and a silence
LOOK_SECONDS = 0.2
TELL_SECONDS = 600.0
NEW_TOKENS_SECONDS = 3600.0
LOG_BYTES = 5_000_000
Json = dict[str, Any]


@dataclass(frozen=True)
class Played:
    """A scenario that is over, with everything that was seen of it."""

    verdict: Verdict
    turns: Sequence[Told]
    samples: Sequence[Json]


def play(
    scenario: Scenario, folder: Path, customers: int = CROWD, more: Mapping[str, str] | None = None
) -> Played:
    """Play it on a stand of its own; what is seen is also left in the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for left in folder.iterdir():
        left.unlink()
    is_shaky = bool(scenario.shaken)
    model = scenario.has_model
    with standing(customers, has_model=model, is_shaky=is_shaky, **(more or {})) as stand:
        sampler = Sampler(folder / "samples.jsonl", stand)
        _warm_up(stand)
        first = sampler.look()
        with sampler.every(scenario.sample_seconds):
            _locust(scenario, stand, sampler, folder)
        turns, found = read_history(folder / "history.jsonl"), ended(stand)
        last = sampler.look()
        figures = figures_of(scenario, turns, sampler.seen)
        if stand.wires:
            figures["disturbed"] = {name: wire.disturbed for name, wire in stand.wires.items()}
        (folder / "service.log").write_text(found.log[-LOG_BYTES:])
        broken = violations(found, turns) | {"left_over": left_over(first, last)}
    verdict = judged(scenario, figures, broken)
    (folder / "result.json").write_text(json.dumps(verdict.as_json, indent=1))
    return Played(verdict, turns, sampler.seen)


def _warm_up(stand: Stand) -> None:
    """The first of everything takes longer: one of each kind of talk is begun beforehand."""
    customer = stand.customers[0].customer_id
    firsts = {talk.kind: talk.says[0] for talk in talks_of(customer)}
    headers = {"Authorization": f"Bearer {stand.tokens[customer]}"}
    with httpx.Client(base_url=stand.url, headers=headers, timeout=DRAIN_SECONDS) as client:
        for text in firsts.values():
            thread = client.post("/threads", json={}).raise_for_status().json()["thread_id"]
            message = {"role": "user", "content": text}
            body = {"assistant_id": "tria", "input": {"messages": [message]}}
            client.post(f"/threads/{thread}/runs/wait", json=body)


def _locust(scenario: Scenario, stand: Stand, sampler: Sampler, folder: Path) -> None:
    """Let the customers in; it ends by itself, and is ended where it does not."""
    history, tokens, job = folder / "history.jsonl", folder / "tokens.json", folder / "job.json"
    _write_tokens(stand, tokens)
    wanted = {
        "url": stand.url,
        "tokens": str(tokens),
        "customers": [customer.customer_id for customer in stand.customers],
        "history": str(history),
        "stages": scenario.stages,
        "rate": scenario.rate,
        "think_seconds": THINK_SECONDS,
        "seed": SEED,
    }
    job.write_text(json.dumps(wanted))
    command = [sys.executable, "-m", "locust", "-f", str(LOCUSTFILE), "--headless"]
    command += ["--only-summary", "--stop-timeout", str(DRAIN_SECONDS), "--exit-code-on-error", "0"]
    variables = environment() | {"TRIA_LOAD_JOB": str(job)}
    log = folder / "locust.log"
    process = spawn(command, log, signal.SIGTERM, variables)
    sampler.pids["locust"] = process.pid
    try:
        _watch(process, scenario, stand, folder, sampler)
        if process.returncode or not history.exists():
            sys.exit(f"The customers could not be played:\n{last_lines(log, 12)}")
    finally:
        stop(process, signal.SIGKILL)
        tokens.unlink()


def _write_tokens(stand: Stand, file: Path) -> None:
    made = file.with_suffix(".made")
    made.write_text(json.dumps(stand.tokens))
    made.replace(file)


def _watch(
    process: "Popen[bytes]", scenario: Scenario, stand: Stand, folder: Path, sampler: Sampler
) -> None:
    """Until it ends: disturb the stages that are to be, tell how it stands, make tokens anew."""
    history, begun = folder / "history.jsonl", 0.0
    tell, renew = time.monotonic() + TELL_SECONDS, time.monotonic() + NEW_TOKENS_SECONDS
    end = time.monotonic() + scenario.seconds + 3 * DRAIN_SECONDS
    while process.poll() is None and time.monotonic() < end:
        time.sleep(LOOK_SECONDS)
        if not begun and history.exists():
            begun = time.monotonic()
        share = scenario.shaken_share * (_stage(scenario, begun) in scenario.shaken)
        for wire in stand.wires.values():
            wire.share = share
        if time.monotonic() > renew:
            renew += NEW_TOKENS_SECONDS
            _write_tokens(stand, folder / "tokens.json")
        if time.monotonic() > tell:
            tell += TELL_SECONDS
            so_far = figures_of(scenario, read_history(history), list(sampler.seen))
            (folder / "so-far.json").write_text(json.dumps(so_far, indent=1))


def _stage(scenario: Scenario, begun: float) -> int | None:
    """Which stage is being played."""
    gone = time.monotonic() - begun if begun else -1.0
    if gone < 0:
        return None
    for number, (_, seconds) in enumerate(scenario.stages):
        if gone < seconds:
            return number
        gone -= seconds
    return None
