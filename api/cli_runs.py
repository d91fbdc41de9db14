"""`tria runs`, `resume`, `retry`, `skip`, `fork`, `abandon`: what operators do to turns."""

import argparse
import json
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from api.cli_conversations import needing
from api.terminal import (
    Commands,
    Opened,
    Refused,
    actor,
    add_json,
    add_name,
    add_once,
    day,
    now,
    remark,
    say,
)

MOST = 200
HELP = {
    "resume": "let a turn go on from its last checkpoint",
    "retry": "do the step that failed again",
    "skip": "let a turn go on as if a step had given this result",
    "abandon": "end a turn, with a message to the customer",
}
DONE = {
    "resume": "Resumed: it goes on.",
    "retry": "Retried: it goes on.",
    "skip": "Skipped: it goes on with that result.",
    "abandon": "Abandoned: the customer has been told.",
}


def add_runs(commands: Commands) -> None:
    """The commands and what they take."""
    listing = commands.add_parser("runs", help="list turns that are stuck or have failed")
    listing.set_defaults(run=list_runs)
    which = listing.add_mutually_exclusive_group(required=True)
    which.add_argument("--stuck", dest="reason", action="store_const", const="stuck")
    which.add_argument("--failed", dest="reason", action="store_const", const="failed")
    listing.add_argument("--limit", type=int, default=MOST, help="default: %(default)s")
    add_json(listing)
    made = {name: _add_repair(commands, name) for name in HELP}
    made["skip"].add_argument(
        "--result", type=Path, required=True, metavar="FILE", help="JSON of what the step gives"
    )
    made["skip"].add_argument("--step", default=None, help="default: the one that it stands at")
    made["abandon"].add_argument("--message", default="", metavar="TEXT", help="else fixed words")
    for name in ("resume", "retry"):
        made[name].add_argument("--checkpoint", default=None, metavar="ID")
    _add_fork(commands)
    _add_resume_all(commands)


def _add_repair(commands: Commands, name: str) -> argparse.ArgumentParser:
    command = commands.add_parser(name, help=HELP[name])
    command.set_defaults(run=repair, operation=name, checkpoint=None, message="", result=None)
    command.set_defaults(step=None)
    command.add_argument("id", type=UUID, help="the run's id")
    command.add_argument("--dry-run", action="store_true", help="only say what it would do")
    add_name(command)
    add_once(command)
    add_json(command)
    return command


def _add_fork(commands: Commands) -> None:
    command = commands.add_parser(
        "fork", help="play a turn again, sending and writing nothing, and compare"
    )
    command.set_defaults(run=fork_run)
    command.add_argument("id", type=UUID, help="the run's id")
    command.add_argument("--checkpoint", default=None, metavar="ID", help="default: its beginning")
    command.add_argument(
        "--prompt", action="append", default=[], metavar="NAME=FILE", help="another text"
    )
    command.add_argument("--model", default="", help="another one; none: templates alone")
    add_name(command)
    add_once(command)
    add_json(command)


def _add_resume_all(commands: Commands) -> None:
    command = commands.add_parser("resume-all", help="resume all turns that failed on one error")
    command.set_defaults(run=resume_failed)
    command.add_argument("--error", required=True, metavar="CODE", help="as `tria runs` shows it")
    command.add_argument(
        "--since", type=_moment, default=None, metavar="TIME", help="2026-08-01T03:00; else a day"
    )
    command.add_argument("--dry-run", action="store_true", help="only list them")
    add_name(command)
    add_once(command)
    add_json(command)


def _moment(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text).astimezone()
    except ValueError as error:
        raise argparse.ArgumentTypeError("a time like 2026-08-01T03:00") from error


async def list_runs(asked: argparse.Namespace, opened: Opened) -> None:
    """One turn a line, and what is wrong with it."""
    many = 0
    async for row in needing(asked.reason, None, asked.limit, opened):
        for reason in row["reasons"]:
            if reason["reason"] == asked.reason:
                many += 1
                _say_run(asked, row, reason)
    if not many and not asked.json:
        print("There are none.")


def _say_run(asked: argparse.Namespace, row: Mapping[str, Any], reason: Mapping[str, Any]) -> None:
    told = {
        "run_id": reason["run_id"],
        "thread_id": row["thread_id"],
        "customer_id": row["customer_id"],
        "reason": reason["reason"],
        "text": reason["text"],
        "since": reason["since"],
    }
    name = row["company"] or row["customer_id"]
    say(asked, told, f"{reason['run_id']}  {name}", f"    {reason['text']}")


async def repair(asked: argparse.Namespace, opened: Opened) -> None:
    """Do it, or only say what it would do."""
    from graph.repair.operations import NoSuchRun, Press, carry_out  # noqa: PLC0415 (takes seconds)
    from graph.repair.previews import preview  # noqa: PLC0415

    async with opened.clients() as clients:
        try:
            wanted = await _repair(asked, clients)
            if asked.dry_run:
                _say_preview(asked, await preview(clients, asked.id, wanted))
                return
            press = Press(actor(asked), asked.by, asked.once)
            outcome = await carry_out(clients, asked.id, wanted, press)
        except NoSuchRun as error:
            raise Refused(f"There is no run {asked.id}: see `tria runs --failed`.") from error
    done = "It was done before." if outcome.is_repeat else DONE[asked.operation]
    say(asked, {**vars(outcome)}, done)


async def _repair(asked: argparse.Namespace, clients: Any) -> Any:
    from graph.repair.operations import Repair  # noqa: PLC0415
    from graph.repair.previews import preview  # noqa: PLC0415

    values = _json(asked.result) if asked.result else {}
    step = asked.step
    if asked.operation == "skip" and step is None:
        stands = await preview(clients, asked.id, Repair("resume"))
        if len(stands.steps) != 1:
            raise Refused(f"It stands at {_steps(stands.steps)}: name one with --step.")
        [step] = stands.steps
    return Repair(asked.operation, asked.checkpoint, step, values, asked.message)


def _say_preview(asked: argparse.Namespace, found: Any) -> None:
    effects = [f"  - {effect}" for effect in found.effects]
    sees = [f"The customer sees: {found.customer_sees}"] if found.customer_sees else []
    lines = [f"Would {found.operation} run {found.run_id}.", *effects, *sees]
    say(asked, {**vars(found)}, *lines, "Nothing was done.")


async def resume_failed(asked: argparse.Namespace, opened: Opened) -> None:
    """One after the other; what is left is resumed by the same command again."""
    from graph.repair.bulk import Failed, find_failed, resume_all  # noqa: PLC0415 (takes seconds)
    from graph.repair.operations import Press  # noqa: PLC0415

    failed = Failed(asked.error.replace(" ", "_"), asked.since or now() - timedelta(days=1), now())
    async with opened.clients() as clients:
        if asked.dry_run:
            for row in await find_failed(clients, failed):
                say(asked, row, f"{row['run_id']}  {row['company']}  {day(row['updated_at'])}")
            remark("Nothing was done.")
            return
        resumed = await resume_all(clients, failed, Press(actor(asked), asked.by, asked.once))
    told = [f"{run_id}: {why}" for run_id, why in resumed.refused]
    left = "" if resumed.is_all else "Some are left: run this again."
    say(asked, {**vars(resumed)}, f"Resumed: {len(resumed.done)}.", *told, left)


async def fork_run(asked: argparse.Namespace, opened: Opened) -> None:
    """The answers of both sides, and every other aspect in which they differ."""
    from graph.repair.operations import NoSuchRun, Press  # noqa: PLC0415 (takes seconds)
    from graph.repair.sides import compared  # noqa: PLC0415
    from graph.repair.trial import Wanted, fork  # noqa: PLC0415
    from tools.operators.trials import Trials  # noqa: PLC0415

    wanted = Wanted(asked.checkpoint, dict(map(_prompt, asked.prompt)), asked.model)
    async with opened.clients() as clients:
        try:
            press = Press(actor(asked), asked.by, asked.once)
            trial_id = await fork(clients, asked.id, wanted, press)
        except NoSuchRun as error:
            raise Refused(f"There is no run {asked.id}: see `tria runs --failed`.") from error
        trial = await Trials(clients.pool).get(trial_id)
    if trial is None or not trial["outcome"]:
        why = trial["error"] if trial else "it was deleted meanwhile"
        raise Refused(f"The trial came to no end: {why or 'it is under way'}.")
    sides = compared(trial["outcome"]["was"], trial["outcome"]["now"])
    lines = [_aspect(side) for side in sides if side.what == "reply" or not side.is_same]
    say(asked, {"trial_id": trial_id, **trial["outcome"]}, f"Trial {trial_id}", *lines)


def _aspect(side: Any) -> str:
    if side.is_same:
        return f"{side.what}: the same\n    {side.was}"
    return f"{side.what}\n  was {side.was}\n  now {side.now}"


def _prompt(text: str) -> tuple[str, str]:
    name, _, file = text.partition("=")
    if not file:
        raise Refused(f"--prompt {text}: write NAME=FILE.")
    return name, _read(Path(file))


def _json(file: Path) -> dict[str, Any]:
    try:
        found = json.loads(_read(file))
    except ValueError as error:
        raise Refused(f"{file} is no JSON: {error}") from error
    if not isinstance(found, dict):
        raise Refused(f"{file}: write an object with what the step gives.")
    return found


def _read(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise Refused(f"{file} cannot be read: {error}") from error


def _steps(steps: Iterable[str]) -> str:
    return ", ".join(steps) or "no step"
