"""`tria privacy`, `retention`, `audit`: one customer's data, how long it is kept, who did what."""

import argparse
import asyncio
from pathlib import Path
from typing import Any, BinaryIO

from api.terminal import Commands, Opened, Refused, actor, add_json, add_name, day, now, remark, say
from tools.events import make_redis
from tools.privacy.erase import Erasure, Preview
from tools.privacy.export import Export
from tools.privacy.sweep import Keeping
from tools.privacy.trail import PAGE, Looked, Trail

NOTHING = "Nothing is kept of a customer {}. The id stands in `tria conversations --json`."
VERIFY = "verify"


def add_privacy(commands: Commands) -> None:
    """The commands and what they take."""
    privacy = commands.add_parser("privacy", help="export or erase one customer's data")
    kinds = privacy.add_subparsers(required=True, metavar="COMMAND")
    export = kinds.add_parser("export", help="save everything that is kept of a customer")
    export.set_defaults(run=export_customer)
    export.add_argument("--to", type=Path, metavar="FILE", help="default: CUSTOMER.zip")
    erase = kinds.add_parser("erase", help="erase a customer; asks for their id once more")
    erase.set_defaults(run=erase_customer)
    erase.add_argument("--dry-run", action="store_true", help="only say what would go and stay")
    erase.add_argument("--confirm", metavar="ID", help="the customer's id, instead of being asked")
    add_json(erase)
    for command in (export, erase):
        command.add_argument("customer", help="the customer's id")
        add_name(command)
    _add_keeping(commands)


def _add_keeping(commands: Commands) -> None:
    retention = commands.add_parser("retention", help="let go of what has been kept long enough")
    retention.set_defaults(run=retain)
    retention.add_argument("--dry-run", action="store_true", help="only count it")
    add_json(retention)
    audit = commands.add_parser("audit", help="show who did what; verify: check that it is whole")
    audit.set_defaults(run=show_audit)
    audit.add_argument("subject", nargs="?", help="an id of anything, or: verify")
    audit.add_argument("--event", help="or the first part of some, like run")
    audit.add_argument("--actor", help="who did it")
    audit.add_argument("--limit", type=int, default=PAGE, help="default: %(default)s")
    add_json(audit)


async def export_customer(asked: argparse.Namespace, opened: Opened) -> None:
    """One ZIP, readable by its owner alone."""
    export = Export(opened.pool)
    if not await export.counts(asked.customer):
        raise Refused(NOTHING.format(asked.customer))
    target: Path = asked.to or Path(f"{asked.customer.replace('/', '_')}.zip")
    with _new_file(target) as file:
        await export.note(asked.customer, actor(asked))
        async for piece in export.stream(asked.customer, now().date()):
            file.write(piece)
    print(f"Saved: {target}")


def _new_file(target: Path) -> BinaryIO:
    """For its owner alone; what is there already stays."""
    try:
        target.touch(0o600, exist_ok=False)
        return target.open("wb")
    except OSError as error:
        raise Refused(f"{target} cannot be written: {error.strerror}.") from error


async def erase_customer(asked: argparse.Namespace, opened: Opened) -> None:
    """Show what would go; then, with the id typed once more, erase it."""
    redis = make_redis(opened.settings.redis_url.get_secret_value())
    async with redis:
        erasure = Erasure(opened.pool, redis)
        found = await erasure.preview(asked.customer)
        if not found.is_known:
            raise Refused(NOTHING.format(asked.customer))
        if asked.dry_run:
            say(asked, _row(found), *_told(found, "Would go"), "Nothing was done.")
            return
        if asked.confirm is None:
            remark("\n".join(_told(found, "Will go")))
        typed = asked.confirm or await _typed(asked.customer)
        gone = await erasure.erase(asked.customer, typed, actor(asked))
    say(asked, _row(gone), f"Erased: {gone.total} records of {gone.customer_id}.")


async def _typed(customer: str) -> str:
    return await asyncio.to_thread(input, f"Type {customer} to erase them: ")


def _row(found: Preview) -> dict[str, Any]:
    return {
        "customer_id": found.customer_id,
        "goes": {each.name: each.count for each in found.goes},
        "stays": {each.name: {"count": each.count, "why": each.why} for each in found.stays},
        "numbers": found.numbers,
        "hindrances": [vars(each) for each in found.hindrances],
    }


def _told(found: Preview, goes: str) -> list[str]:
    lines = [f"{goes}:", *(f"{each.count:>9,}  {each.title}" for each in found.goes), "Stays:"]
    for each in found.stays:
        lines += [f"{each.count:>9,}  {each.title}", f"           {each.why}"]
    in_the_way = [f"  {h.what} {h.id}: {h.to_do}" for h in found.hindrances]
    return lines + (["In the way:", *in_the_way] if in_the_way else [])


async def retain(asked: argparse.Namespace, opened: Opened) -> None:
    """Count what is due, or let it go until nothing is due any more."""
    keeping = Keeping(opened.pool, opened.settings.tria_checkpoint_days)
    due = await keeping.due()
    gone = {} if asked.dry_run else await keeping.drop_all()
    for each in due:
        many = "too many to count" if each.count is None else f"{each.count:,}"
        many += " or more" if each.is_cut else ""
        went = gone.get(each.kind.name, 0)
        row = {"kind": each.kind.name, "days": each.kind.days, "due": each.count}
        row |= {"oldest": each.oldest, "gone": None if asked.dry_run else went}
        told = f"due {many}" if asked.dry_run else f"gone {went:,}"
        line = f"{each.kind.title:<44} {each.kind.days:>5} days  {told}"
        say(asked, row, f"{line}  oldest {day(each.oldest)}" if each.oldest else line)
    if asked.dry_run:
        remark("Nothing was done.")


async def show_audit(asked: argparse.Namespace, opened: Opened) -> None:
    """The rows that are looked for, the latest first; or whether the whole trail is unchanged."""
    if asked.subject == VERIFY:
        await _verify(asked, opened)
        return
    looked = Looked(asked.subject, asked.event, asked.actor, limit=asked.limit)
    rows = await Trail(opened.pool).rows(looked)
    for row in rows:
        detail = "; ".join(f"{k}: {v}" for k, v in row["detail"].items() if v not in ("", None))
        line = f"{day(row['at'])}  {row['event']}  {row['subject']}  by {row['actor']}"
        say(asked, row, line, f"    {detail}" if detail else "")
    if not rows and not asked.json:
        print("Nothing of that kind.")


async def _verify(asked: argparse.Namespace, opened: Opened) -> None:
    found = await Trail(opened.pool).verify()
    faults = [f"  rows {first} to {last}: {fault}" for first, last, fault in found.faults]
    if faults:
        raise Refused("\n".join(["The audit trail was changed:", *faults]))
    say(
        asked,
        {**vars(found)},
        f"Unchanged: {found.sealed:,} rows are as they were when they were sealed.",
        f"{found.unsealed:,} newer ones are not sealed yet." if found.unsealed else "",
        f"{found.pruned:,} older ones have gone, their time being over." if found.pruned else "",
        f"Seal: {found.digest}" if found.digest else "",
    )
