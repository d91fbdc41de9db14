"""Plays cases on lanes, several at once, and writes each row as soon as it is known."""

import asyncio
import contextlib
import queue
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path

from evals.cases.schema import Case
from evals.lanes.lane import Lane, Place, running_servers, starting_lane
from evals.lanes.tree import Tree
from evals.outcome import Outcome, Row, Verdict
from evals.play.observing import observing
from evals.play.player import Player
from evals.running.rows import append_row
from evals.scorers.every import verdicts

NEEDS_STAND_IN = "needs the stand-in model"


@dataclass(frozen=True)
class Trial:
    """A case to be played for the n-th time."""

    case: Case
    number: int


@dataclass
class Work:
    """What is to be played, and where the rows go."""

    folder: Path
    trials: "queue.SimpleQueue[Trial]"
    total: int
    doubted: Set[str] = frozenset()
    rows: list[Row] = field(default_factory=list)
    errors: list[BaseException] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def done(self, row: Row) -> None:
        """Keep a row, and show how far the run is."""
        with self.lock:
            append_row(self.folder, row)
            self.rows.append(row)
            print(_line(row, len(self.rows), self.total), flush=True)

    def doubt(self, trial: Trial) -> None:
        """Play a case twice more that has failed and is known to pass: most trials decide."""
        with self.lock:
            for number in (trial.number + 1, trial.number + 2):
                self.total += 1
                self.trials.put(Trial(trial.case, number))


def trials_of(
    cases: Sequence[Case], repeat: int, done: Sequence[Row], mode: str
) -> tuple[list[Trial], list[Row]]:
    """What is still to be played, and rows for what this mode cannot play.

    In the order of their clocks: a lane's time then goes forwards, as tokens expect of it.
    """
    played = {(row.case, row.trial) for row in done}
    wanted = [Trial(case, n) for n in range(1, repeat + 1) for case in cases]
    left = [t for t in wanted if (t.case.id, t.number) not in played]
    skipped = [t for t in left if t.case.model and mode != "stand-in"]
    playable = [t for t in left if t not in skipped]
    playable.sort(key=lambda t: (t.case.clock, t.number, t.case.id))
    return playable, [row_of(t, Outcome(), [], skipped=NEEDS_STAND_IN) for t in skipped]


def work_on(trials: Sequence[Trial], folder: Path, doubted: Set[str] = frozenset()) -> Work:
    """What a run has to do. Of `doubted` cases a failure has to show again."""
    waiting: queue.SimpleQueue[Trial] = queue.SimpleQueue()
    for trial in trials:
        waiting.put(trial)
    return Work(folder, waiting, len(trials), doubted)


def play_all(work: Work, tree: Tree, settings: Mapping[str, str], jobs: int) -> list[Row]:
    """A row for each trial. Raises what a lane raises that cannot go on."""
    if not work.total:
        return []
    with running_lanes(tree, settings, min(jobs, work.total)) as lanes:
        threads = [threading.Thread(target=_play_on, args=(lane, work)) for lane in lanes]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    if work.errors:
        raise work.errors[0]
    return work.rows


@contextlib.contextmanager
def running_lanes(tree: Tree, settings: Mapping[str, str], count: int) -> Iterator[list[Lane]]:
    """So many lanes on one pair of servers, gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="tria-evals-") as name, contextlib.ExitStack() as stack:
        servers = stack.enter_context(running_servers(Path(name)))
        first, *others = places = [Place(servers, number) for number in range(1, count + 1)]
        first.make(tree)
        for place in others:
            place.copy_from(first)
        lanes = [stack.enter_context(starting_lane(place, tree, settings)) for place in places]
        for lane in lanes:
            lane.wait_until_ready()
        yield lanes


def _play_on(lane: Lane, work: Work) -> None:
    """One lane's thread: it plays until nothing waits any more."""
    try:
        asyncio.run(_play_waiting(lane, work))
    except Exception as error:  # noqa: BLE001 (told by the thread that waits for this one)
        work.errors.append(error)


async def _play_waiting(lane: Lane, work: Work) -> None:
    async with observing(lane.database_url) as observer:
        player = Player(lane, observer)
        while not work.errors:
            try:
                trial = work.trials.get_nowait()
            except queue.Empty:
                return
            started = time.monotonic()
            case, outcome = await player.play(trial.case)
            row = row_of(trial, outcome, verdicts(case, outcome))
            row.seconds = round(time.monotonic() - started, 2)
            work.done(row)
            if not row.passed and trial.number == 1 and trial.case.id in work.doubted:
                work.doubt(trial)


def row_of(
    trial: Trial, outcome: Outcome, found: list[Verdict], *, skipped: str | None = None
) -> Row:
    """What is kept of a trial."""
    case = trial.case
    spent = [call for turn in outcome.turns for call in turn.state.get("spent", [])]
    return Row(
        case=case.id,
        suite=case.suite,
        tags=list(case.tags),
        owner=case.owner,
        family=case.family or case.id,
        trial=trial.number,
        passed=not skipped and all(verdict.passed for verdict in found),
        skipped=skipped,
        verdicts=found,
        usd=str(sum((Decimal(call["usd"]) for call in spent), Decimal(0))),
        tokens=sum(call["tokens_in"] + call["tokens_out"] for call in spent),
        outcome=outcome,
    )


def _line(row: Row, done: int, total: int) -> str:
    mark = "pass" if row.passed else "FAIL"
    trial = f" (trial {row.trial})" if row.trial > 1 else ""
    lines = [f"{done:4}/{total}  {mark}  {row.case}{trial}"]
    for verdict in row.verdicts:
        if not verdict.passed:
            at = f"turn {verdict.turn}: " if verdict.turn else ""
            lines.append(f"            {verdict.scorer}: {at}{verdict.reason}")
    return "\n".join(lines)
