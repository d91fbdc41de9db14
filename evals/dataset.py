"""The form of an eval case: one conversation with what must be true of it."""

from decimal import Decimal
from pathlib import Path

from pydantic import BaseModel, ConfigDict


class Form(BaseModel):
    """Unknown keys are mistakes."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Expect(Form):
    """What must be true of one answer. Texts are compared without regard to case."""

    intents: tuple[str, ...] = ()
    says: tuple[str, ...] = ()
    never_says: tuple[str, ...] = ()
    cites: str | None = None
    card_total: Decimal | None = None
    card_lines: dict[str, int] | None = None
    card_status: str | None = None
    handoff: bool = False
    same_answer_as: str | None = None


class CaseTurn(Form):
    """One message of the customer."""

    user: str
    expect: Expect


class Case(Form):
    """One conversation; at its end the books hold that many drafts of ours more than before."""

    id: str
    customer: str
    turns: tuple[CaseTurn, ...]
    drafts: int = 0


def load_cases(folder: Path, name: str = "*") -> list[Case]:
    """Every case of the datasets, in order; raises ValueError that names a broken line's file."""
    cases: list[Case] = []
    for file in sorted(folder.glob(f"{name}.jsonl")):
        for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1):
            try:
                cases.append(Case.model_validate_json(line))
            except ValueError as error:
                raise ValueError(f"{file.name}, line {number}: {error}") from error
    return cases
