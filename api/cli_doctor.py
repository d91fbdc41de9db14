"""`tria doctor`: checks an installation, or an address from outside, and says what to do."""

import argparse
import asyncio
from collections.abc import Callable
from pathlib import Path

from api.doctor.findings import Found, exit_code, run_all
from api.doctor.installation import installation
from api.doctor.lists import INSTALLATION, STAGING
from api.doctor.outside import Asked, outside
from api.doctor.prometheus import Prometheus, without_login
from api.doctor.report import RULE, as_json, as_markdown, as_table
from api.terminal import Refused, now, remark
from graph.settings import Settings

ABOUT = f"""\
Check this installation, or with --staging an address from outside, and say what to do.

{RULE}.
The exit code is 0 for a go; 1 when something fails; 2 when nothing fails, but something was not
looked at and is not waived, or the command is not understood."""
HERE = "http://127.0.0.1:9090"
TURNS, NOT_UNDERSTOOD = 20, 2

Read = Callable[[], Settings]


def add_doctor(parser: argparse.ArgumentParser) -> None:
    """What the command takes."""
    parser.description, parser.formatter_class = ABOUT, argparse.RawDescriptionHelpFormatter
    parser.set_defaults(run=None, diagnose=diagnose)
    add = parser.add_argument
    add("--json", action="store_true", help="print one JSON document")
    add("--list", action="store_true", help="print what is checked, and check nothing")
    add(
        "--waive",
        action="append",
        default=[],
        type=_waived,
        metavar="ID=REASON",
        help="a check that may be left out, and why",
    )
    add("--prometheus", metavar="URL", help=f"where it is (from inside {HERE}, unless told)")
    _add_staging(parser.add_argument_group("from outside"))


def _add_staging(group: "argparse._ArgumentGroup") -> None:
    add = group.add_argument
    add("--staging", action="store_true", help="check an address as its customers reach it")
    add("--url", help="the address, such as https://chat.tria.example")
    add(
        "--token-file",
        type=Path,
        metavar="FILE",
        help="a customer's token or API key, and on a second line another's; without it demo"
        " customers sign in where they can",
    )
    add("--ca", metavar="FILE", help="certificates to trust, where it is not a public one")
    add("--plain-port", type=int, default=0, metavar="PORT", help="where http:// is (80)")
    add("--turns", type=int, default=TURNS, metavar="N", help="how many to time (%(default)s)")
    add("--log", type=Path, metavar="FILE", help="the service's log, where it can be read")
    add("--write", action="store_true", help="confirm an order too: it stands in the books then")


def diagnose(asked: argparse.Namespace, read: Read) -> int:
    """Make the checks, print what they came to; the exit code."""
    if asked.list:
        print(as_markdown(STAGING if asked.staging else INSTALLATION))
        return 0
    if asked.staging and not asked.url:
        remark("--staging needs --url: the address that customers use.")
        return NOT_UNDERSTOOD
    of = without_login(asked.url) if asked.staging else "this installation"
    found = asyncio.run(_outside(asked) if asked.staging else _inside(asked, read))
    about = {"of": of, "at": now().isoformat(timespec="seconds")}
    print(as_json(found, about) if asked.json else as_table(found))
    return exit_code(found)


async def _inside(asked: argparse.Namespace, read: Read) -> list[Found]:
    prometheus = Prometheus(asked.prometheus or HERE)
    async with installation(Path(asked.data), read, prometheus) as here:
        return await run_all(INSTALLATION, here, dict(asked.waive))


async def _outside(asked: argparse.Namespace) -> list[Found]:
    given = Asked(
        url=asked.url.rstrip("/"),
        tokens=_tokens(asked.token_file),
        ca=asked.ca,
        log=asked.log,
        turns=max(1, asked.turns),
        may_write=asked.write,
        plain_port=asked.plain_port,
    )
    async with outside(given, Prometheus(asked.prometheus)) as there:
        return await run_all(STAGING, there, dict(asked.waive))


def _tokens(file: Path | None) -> tuple[str, ...]:
    if file is None:
        return ()
    try:
        return tuple(line.strip() for line in file.read_text().splitlines() if line.strip())
    except OSError as error:
        raise Refused(f"{file} cannot be read: {error.strerror}.") from error


def _waived(text: str) -> tuple[str, str]:
    name, _, reason = text.partition("=")
    known = {check.id for check in INSTALLATION} | {check.id for check in STAGING}
    if name not in known or not reason.strip():
        raise argparse.ArgumentTypeError(f"{text!r} is no ID=REASON of a check")
    return name, reason.strip()
