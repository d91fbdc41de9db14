"""Answers that the rules compute: fees, interest, dates and packs for the figures of a question."""

import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from importlib import resources
from typing import Any

from tools.policy import formulas, moments
from tools.policy.formulas import Figures
from tools.policy.question import Question, read_question
from tools.search.spelling import our_spelling

FORMULAS: Mapping[str, Callable[[Question], Figures | None]] = {
    formula.__name__: formula
    for formula in (
        formulas.late_interest,
        formulas.overdue_standing,
        formulas.early_discount,
        formulas.gst,
        formulas.remote_fee,
        formulas.rush_fee,
        formulas.redelivery_fee,
        formulas.who_approves,
        formulas.quote_needed,
        formulas.minimum_order,
        formulas.pack_rounding,
        formulas.artwork_rush,
        formulas.proof_fee,
        formulas.custom_print,
        moments.cancellation_fee,
        moments.refund_days,
        moments.invoice_due,
        moments.claim_deadline,
        moments.delivery_slot,
    )
}


@dataclass(frozen=True)
class Computed:
    """What a rule says to the figures of a question; the values are plain text, as in facts.

    `rule` also names the wording; `section_id` is the policy section that states the rule.
    """

    rule: str
    section_id: str
    inputs: dict[str, str]
    result: dict[str, str]


def compute(text: str, now: datetime, before: str = "") -> Computed | None:
    """The answer of the first rule that the question clearly asks for, if it has the figures.

    What a question leans on stands `before` it. One that asks for no rule may be misspelt.
    """
    texts = dict.fromkeys((text, our_spelling().corrected(text)))
    return next(filter(None, (_answered(_question(t, now, before)) for t in texts)), None)


def stated(rule: str, now: datetime) -> Computed | None:
    """What a rule says without the figures of a question."""
    figures = FORMULAS[rule](read_question("", now))
    section = triggers()[rule]["section"]
    return Computed(rule, section, figures.inputs, figures.result) if figures else None


def _question(text: str, now: datetime, before: str) -> Question:
    question = read_question(text, now)
    return question.after(read_question(before, now)) if before else question


def _answered(question: Question) -> Computed | None:
    for name, trigger in triggers().items():
        if _asks(question, trigger) and (figures := FORMULAS[name](question)):
            return Computed(name, trigger["section"], figures.inputs, figures.result)
    return None


def _asks(question: Question, trigger: Mapping[str, Any]) -> bool:
    wanted = all(question.has(pattern) for pattern in trigger["all"])
    return wanted and not any(question.has(pattern) for pattern in trigger["none"])


@cache
def triggers() -> dict[str, dict[str, Any]]:
    """When a question asks for a rule, by the name of the rule."""
    text = (resources.files("tools.policy") / "answers.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)
