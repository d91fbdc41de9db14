"""What a customer wants inside an intent: the PDF, the pay link, what is left of a credit."""

import re
import tomllib
from collections.abc import Iterable, Mapping
from functools import cache
from importlib import resources
from typing import Literal, get_args

from tools.grounding.numbers import plain

Want = Literal[
    "overdue",
    "pdf",
    "email_it",
    "all_documents",
    "pay_link",
    "how_to_pay",
    "has_paid",
    "received",
    "payments",
    "paid_twice",
    "bank_changed",
    "more_time",
    "waive",
    "discount",
    "early_discount",
    "statement_file",
    "differs",
    "lines",
    "tax",
    "credit_left",
    "apply_credit",
    "quote_valid",
    "accept_quote",
    "ask_quote",
    "delivery_order",
    "when_delivered",
]
WANTS: tuple[Want, ...] = get_args(Want)
# The first says more exactly what the others say too.
INSTEAD: dict[Want, frozenset[Want]] = {
    "email_it": frozenset({"pdf", "statement_file"}),
    "all_documents": frozenset({"pdf"}),
    "received": frozenset({"has_paid"}),
    "has_paid": frozenset({"how_to_pay"}),
    "payments": frozenset({"received", "statement_file"}),
    "paid_twice": frozenset({"has_paid", "received"}),
    "bank_changed": frozenset({"has_paid", "how_to_pay"}),
    "more_time": frozenset({"pdf", "overdue"}),
    "waive": frozenset({"overdue"}),
    "early_discount": frozenset({"has_paid", "how_to_pay"}),
    "ask_quote": frozenset({"pdf"}),
    "pay_link": frozenset({"pdf"}),
    "statement_file": frozenset({"all_documents"}),
    "differs": frozenset({"statement_file"}),
    "apply_credit": frozenset({"credit_left"}),
    "accept_quote": frozenset({"quote_valid", "ask_quote"}),
    "quote_valid": frozenset({"ask_quote"}),
    "delivery_order": frozenset({"pdf"}),
}
LATIN = ("en", "ms")
GAP = r"[^.;!?。！？\n]{0,40}?"


def wants_of(text: str) -> frozenset[Want]:
    """Everything finer that a message asks for, in any of the four languages."""
    spoken = re.sub(r"[ \t\xa0]+", " ", plain(text)).strip()
    found = {want for want in WANTS if _says(want, spoken)}
    said_better = {less for want in found for less in INSTEAD.get(want, ())}
    return frozenset(found - said_better)


def _says(want: Want, text: str) -> bool:
    says, unless = _patterns()[want]
    return bool(says.search(text)) and not (unless and unless.search(text))


@cache
def _patterns() -> dict[str, tuple[re.Pattern[str], re.Pattern[str] | None]]:
    text = (resources.files("tools.understanding") / "wants.toml").read_text(encoding="utf-8")
    table: dict[str, dict[str, list[str]]] = tomllib.loads(text)
    return {
        want: (
            any_of(rows),
            _either(_bounded(p) for p in rows["unless"]) if "unless" in rows else None,
        )
        for want, rows in table.items()
    }


def any_of(rows: Mapping[str, Iterable[str]]) -> re.Pattern[str]:
    """Any of the phrases of the four languages."""
    return _either(
        _bounded(p) if language in LATIN else p
        for language in ("en", "zh", "ms", "ta")
        for p in rows[language]
    )


def _bounded(pattern: str) -> str:
    """A word of Latin letters does not begin or end inside another one."""
    return rf"(?<![A-Za-z0-9])(?:{pattern})(?![A-Za-z])"


def _either(patterns: Iterable[str]) -> re.Pattern[str]:
    return re.compile("|".join(patterns).replace("~", GAP), re.IGNORECASE)
