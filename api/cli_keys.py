"""`tria keys`: issue, list and revoke the API keys of customers, staff and services."""

import argparse
import sys
from collections.abc import Iterable
from typing import Any

from psycopg.rows import DictRow

from api.scopes import MOST, SCOPES
from api.terminal import Opened, Refused, actor, add_name
from api.tokens import KINDS, Kind, Staff, claims_of, staff_claims
from tools.api_keys import ApiKeys, NewKey, TooManyKeys

DAYS = 90
MOST_DAYS = 730


def add_keys(parser: argparse.ArgumentParser) -> None:
    """The commands and what they take."""
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    issuing = commands.add_parser("issue", help="make a key; it is shown this once")
    kinds = issuing.add_subparsers(required=True, metavar="KIND", dest="kind")
    for kind in KINDS:
        _add_kind(kinds.add_parser(kind, help=f"the key of a {kind}"), kind)
    listing = commands.add_parser("list", help="show whose keys there are, never a secret")
    listing.set_defaults(run=list_keys)
    listing.add_argument("--all", action="store_true", help="expired and revoked ones too")
    revoking = commands.add_parser("revoke", help="end a key at once")
    revoking.set_defaults(run=revoke_key)
    revoking.add_argument("id", help="as `tria keys list` shows it")
    add_name(revoking)


def _add_kind(parser: argparse.ArgumentParser, kind: Kind) -> None:
    parser.set_defaults(run=issue_key)
    parser.add_argument("subject", help="the id of whoever signs in with it")
    if kind == "customer":
        parser.add_argument("--name", default="Customer")
        parser.add_argument("--company", default="")
        parser.add_argument("--channel", default="web")
        parser.add_argument("--contact", action="append", default=[], help="a contact id in Xero")
        parser.add_argument("--role", action="append", default=[], help="what they may ask for")
    if kind == "staff":
        parser.add_argument("--name", default="")
        parser.add_argument("--level", type=int, choices=(1, 2, 3, 4), required=True)
        parser.add_argument("--admin", action="store_true", help="may connect Xero")
    known = [scope for scope in SCOPES if scope in MOST[kind]]
    parser.add_argument(
        "--scope",
        action="append",
        choices=known,
        metavar="SCOPE",
        required=kind == "service",
        help=f"once for each: {', '.join(known)}" + _usual(kind),
    )
    parser.add_argument("--days", type=_days, default=DAYS, help="default: %(default)s")
    parser.add_argument("--note", default="", help="what it is for")
    add_name(parser)


def _usual(kind: Kind) -> str:
    return "" if kind == "service" else "; without any it has the usual ones"


def _days(text: str) -> int:
    if not text.isdecimal() or not 0 < int(text) <= MOST_DAYS:
        raise argparse.ArgumentTypeError(f"a number of days up to {MOST_DAYS}")
    return int(text)


async def issue_key(asked: argparse.Namespace, opened: Opened) -> None:
    """The key alone goes to the output, so that a script can take it."""
    from api.principals import ClaimsInvalid, principal_of  # noqa: PLC0415 (takes a second)

    claims = _claims(asked)
    wanted = NewKey(asked.kind, asked.subject, claims, asked.days, asked.scope, asked.note)
    try:
        principal_of(asked.kind, claims | ({"scopes": asked.scope} if asked.scope else {}))
        issued = await ApiKeys(opened.pool).issue(wanted, actor(asked))
    except ClaimsInvalid as error:
        raise Refused(f"Not issued: {error}.") from error
    except TooManyKeys as error:
        raise Refused(f"Not issued: {error}. Revoke one first: tria keys revoke ID") from error
    row = issued.row
    print(
        f"The key {row['key_id']} of {row['kind']} {row['subject']}, until"
        f" {row['expires_at']:%Y-%m-%d}. It is shown this once and stored nowhere:",
        file=sys.stderr,
    )
    print(issued.key)


def _claims(asked: argparse.Namespace) -> dict[str, Any]:
    match asked.kind:
        case "customer":
            from tools.context import Caller  # noqa: PLC0415 (takes a second)

            return claims_of(
                Caller(
                    customer_id=asked.subject,
                    name=asked.name,
                    company=asked.company,
                    contact_ids=tuple(asked.contact),
                    roles=frozenset(asked.role),
                    channel=asked.channel,
                )
            )
        case "staff":
            name = asked.name or asked.subject
            return staff_claims(Staff(asked.subject, name, asked.level, asked.admin))
        case _:
            return {"sub": asked.subject}


async def list_keys(asked: argparse.Namespace, opened: Opened) -> None:
    """Two lines for each key."""
    rows = await ApiKeys(opened.pool).all(with_ended=asked.all)
    for row in rows:
        print(f"{row['key_id']}  {row['kind']:<8}  {row['subject']}")
        print("    " + ", ".join(_told(row)))
    if not rows:
        print("There are no keys." if asked.all else "There are no live keys.")


def _told(row: DictRow) -> Iterable[str]:
    yield " ".join(row["scopes"]) if row["scopes"] else "the usual scopes"
    if row["revoked_at"]:
        yield f"revoked {row['revoked_at']:%Y-%m-%d} by {row['revoked_by']}"
    else:
        yield f"{'until' if row['is_live'] else 'expired'} {row['expires_at']:%Y-%m-%d}"
    yield f"by {row['created_by']}"
    if row["note"]:
        yield row["note"]


async def revoke_key(asked: argparse.Namespace, opened: Opened) -> None:
    """From now on it opens nothing."""
    row = await ApiKeys(opened.pool).revoke(asked.id, actor(asked))
    if row is None:
        raise Refused(f"There is no key {asked.id} to revoke: see `tria keys list`.")
    print(f"Revoked: {row['key_id']} of {row['kind']} {row['subject']}")
