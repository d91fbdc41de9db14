"""`tria`: what operators do at a terminal, on the database, with or without a running service."""

import argparse
import asyncio
import logging
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

import psycopg
import structlog
from psycopg_pool import PoolTimeout

from api.cli_conversations import add_conversations
from api.cli_doctor import add_doctor
from api.cli_keys import add_keys
from api.cli_privacy import add_privacy
from api.cli_runs import add_runs
from api.terminal import Command, Commands, Opened, Refused, actor, add_name, now
from api.tokens import Staff, issue_staff_token
from graph.settings import Settings, environment, read_settings
from graph.xero import make_xero
from tools.actions.desk import ApprovalDesk
from tools.actions.records import ActionRecords
from tools.database import make_pool
from tools.embedded.noted import NAME, read_noted
from tools.errors import SettingsInvalid, TriaError
from tools.events import make_redis
from tools.rules import gst_percent
from tools.xero.check import Expected, check
from tools.xero.connect import Pending
from tools.xero.exchange import make_http

ABOUT = f"""\
Operate Tria from a terminal.

Settings come from the environment and .env. What is missing there is taken from {NAME} in the
data folder, where `make run` keeps the settings of a running instance, readable for its owner only.
The exit code is 0 when it went well, 1 when it did not, 2 when the command is not understood."""


def main() -> int:
    """Run one command."""
    asked = command_parser().parse_args()
    _be_quiet()
    try:
        if asked.diagnose:
            return int(asked.diagnose(asked, lambda: _settings(Path(asked.data))))
        settings = _settings(Path(asked.data))
        if asked.run is None:
            _sign_in(asked, settings)
        else:
            asyncio.run(_run(asked.run, asked, settings))
    except (Refused, TriaError) as error:
        print(error, file=sys.stderr)
    except (psycopg.OperationalError, PoolTimeout):
        print("Postgres does not answer: is Tria running?", file=sys.stderr)
    except (KeyboardInterrupt, EOFError):
        print("\nNothing was done.", file=sys.stderr)
    else:
        return 0
    return 1


def command_parser() -> argparse.ArgumentParser:
    """Every command with what it takes."""
    parser = argparse.ArgumentParser(
        "tria", description=ABOUT, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    folder = environment().get("TRIA_DATA") or ".tria"
    parser.add_argument("--data", default=folder, help=f"the data folder (default: {folder})")
    parser.set_defaults(diagnose=None)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    add_doctor(commands.add_parser("doctor", help="check an installation, and say what to do"))
    _add_xero(commands.add_parser("xero", help="check or make the connection to Xero"))
    _add_approvals(commands)
    add_conversations(commands)
    add_runs(commands)
    add_privacy(commands)
    add_keys(commands.add_parser("keys", help="issue, list and revoke API keys"))
    sign_in = commands.add_parser(
        "sign-in", help="make a token for a colleague, to sign in on the console for 12 hours"
    )
    sign_in.set_defaults(run=None)
    sign_in.add_argument("name", help="who they are in the audit trail")
    sign_in.add_argument("--level", type=int, choices=(2, 3, 4), required=True)
    sign_in.add_argument("--admin", action="store_true", help="may connect Xero")
    return parser


def _add_approvals(commands: Commands) -> None:
    listing = commands.add_parser("approvals", help="list the cards that wait for a person")
    listing.set_defaults(run=_list_approvals)
    approve = commands.add_parser("approve", help="approve a card, whatever its level")
    approve.set_defaults(run=_decide, approved=True)
    decline = commands.add_parser("decline", help="decline a card")
    decline.set_defaults(run=_decide, approved=False)
    for command in (approve, decline):
        command.add_argument("id", type=UUID, help="as `tria approvals` shows it")
        add_name(command)
    approve.add_argument("--reason", default="", help="a note for the audit trail")
    decline.add_argument("--reason", required=True, help="for the audit trail")


def _add_xero(parser: argparse.ArgumentParser) -> None:
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    checking = commands.add_parser("check", help="check the connection, with what to do")
    checking.set_defaults(run=_check)
    connecting = commands.add_parser("connect", help="sign in at Xero and choose the organisation")
    connecting.set_defaults(run=_connect)
    add_name(connecting)


def _be_quiet() -> None:
    """What goes wrong is told by the command itself."""
    logging.getLogger("psycopg.pool").setLevel(logging.CRITICAL)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))


def _settings(folder: Path) -> Settings:
    kept = read_noted(folder)
    try:
        return read_settings({**kept, **{k: v for k, v in environment().items() if v}})
    except SettingsInvalid as error:
        if kept:
            raise
        raise Refused(f"{error}\nOr start Tria with `make run`: none runs on {folder}.") from error


async def _run(command: Command, asked: argparse.Namespace, settings: Settings) -> None:
    async with open_parts(settings) as opened:
        await command(asked, opened)


@asynccontextmanager
async def open_parts(settings: Settings) -> AsyncIterator[Opened]:
    """Only what the commands need: nothing here works on runs or cards by itself."""
    async with AsyncExitStack() as stack:
        pool = make_pool(settings.database_url.get_secret_value(), max_size=4)
        stack.push_async_callback(pool.close)
        await pool.open(wait=True, timeout=5)
        redis = make_redis(settings.redis_url.get_secret_value())
        stack.push_async_callback(redis.aclose)
        http = make_http()
        stack.push_async_callback(http.aclose)
        yield Opened(settings, pool, make_xero(settings, pool, redis, http, now))


def _sign_in(asked: argparse.Namespace, settings: Settings) -> None:
    staff = Staff(asked.name, asked.name, asked.level, asked.admin)
    print(issue_staff_token(settings.tria_secret.get_secret_value(), staff, now()))


async def _check(asked: argparse.Namespace, opened: Opened) -> None:
    settings, xero = opened.settings, opened.xero
    expected = Expected(
        gst_percent(now().date()), settings.xero_sales_account, settings.xero_tenant_id
    )
    found = await check(xero.client, xero.tokens, xero.sign_in, expected)
    for each in found:
        print(f"{'ok' if each.ok else 'FAILED':<8}{each.name:<15}{each.detail}")
        if each.to_do:
            print(f"{'':<23}-> {each.to_do}")
    if settings.xero_webhook_key is None:
        print(f"{'off':<8}{'webhooks':<15}payments are not told to customers who wait for them")
        print(f"{'':<23}-> Set XERO_WEBHOOK_KEY to the key that Xero shows.")
    if failed := sum(not each.ok for each in found):
        raise Refused(f"{failed} of {len(found)} checks failed.")


async def _connect(asked: argparse.Namespace, opened: Opened) -> None:
    connecting, admin = opened.xero.connecting, actor(asked)
    print("Open this address in a browser, sign in at Xero and agree:\n")
    print(await connecting.begin(admin), end="\n\n")
    print("Xero then sends the browser to another address, whether a page opens there or not.")
    state, code = _returned(await _ask("Paste that address here: "))
    pending = await connecting.pending(state)
    if pending is None:  # the service, where it runs, may have been quicker
        await connecting.finish(state, code)
        pending = await connecting.pending(state)
    chosen = await connecting.choose(state, await _chosen(pending), admin)
    print(f"Connected: {chosen.name}. Check it with: tria xero check")


def _returned(address: str) -> tuple[str, str]:
    query: Mapping[str, list[str]] = parse_qs(urlsplit(address.strip()).query)
    if "state" not in query or "code" not in query:
        raise Refused("That address has no code: nobody agreed, or it is not whole. Begin again.")
    return query["state"][0], query["code"][0]


async def _chosen(pending: Pending | None) -> UUID:
    if pending is None or not pending.organisations:
        raise Refused("That sign-in opens no organisation. Begin again, and tick one at Xero.")
    for number, organisation in enumerate(pending.organisations, 1):
        print(f"{number:>3}  {organisation.name}  {organisation.tenant_id}")
    answer = await _ask("Which of them does Tria work in? Its number: ")
    if not answer.isdecimal() or not 0 < int(answer) <= len(pending.organisations):
        raise Refused("That is none of the numbers. Nothing was connected.")
    return pending.organisations[int(answer) - 1].tenant_id


async def _ask(question: str) -> str:
    return (await asyncio.to_thread(input, question)).strip()


async def _list_approvals(asked: argparse.Namespace, opened: Opened) -> None:
    rows = await ActionRecords(opened.pool).waiting()
    for row in rows:
        card, waited = row["card"], _waited((now() - row["confirmed_at"]).total_seconds())
        total = f"{card.get('currency', '')} {card['total']}".strip() if card.get("total") else ""
        told = (row["scope"].get("company", ""), card["title"], total)
        print(f"{row['action_id']}  level {row['approval_level']}  {waited}")
        print(f"    {', '.join(part for part in told if part)}")
    if not rows:
        print("Nothing waits for a decision.")


def _waited(seconds: float) -> str:
    minutes = int(seconds // 60)
    return f"since {minutes} min" if minutes < 120 else f"since {minutes // 60} h"


async def _decide(asked: argparse.Namespace, opened: Opened) -> None:
    records = ActionRecords(opened.pool)
    decided = await ApprovalDesk(opened.pool).decide(
        asked.id, actor(asked), approved=asked.approved, reason=asked.reason.strip()
    )
    row = await records.card(asked.id)
    if row is None:
        raise Refused(f"There is no card {asked.id}: see `tria approvals`.")
    if decided is None:
        raise Refused(f"This card does not wait for a decision: it is {row['status']}.")
    print(f"{'Approved' if asked.approved else 'Declined'}: {row['card']['title']}")


if __name__ == "__main__":
    sys.exit(main())
