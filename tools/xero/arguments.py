"""What a model may say to a tool: a state, a period, words, a document. Nothing beyond it."""

from datetime import date
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints


class Arguments(BaseModel):
    """Refuses what it does not know."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)


class Nothing(Arguments):
    """No arguments."""


class Period(Arguments):
    """Days, both included."""

    from_date: date | None = Field(None, description="first day, YYYY-MM-DD")
    to_date: date | None = Field(None, description="last day, YYYY-MM-DD")

    def holds(self, on: date | None) -> bool:
        """Whether a day is within it; one that is open holds everything."""
        on = on or date.min
        return (self.from_date or date.min) <= on <= (self.to_date or date.max)


class WholePeriod(Arguments):
    """Days, both included and both needed."""

    from_date: date = Field(description="first day, YYYY-MM-DD")
    to_date: date = Field(description="last day, YYYY-MM-DD")


class InvoiceList(Period):
    """Which invoices; the days are those on which they were written."""

    state: Literal["open", "overdue", "paid"]


class OneInvoice(Arguments):
    """A document that was shown or named."""

    document: Annotated[str, StringConstraints(min_length=1, max_length=40)] = Field(
        description="a printed number such as INV-1001, or a handle such as invoice_3"
    )


class Words(Arguments):
    """What is looked for."""

    text: Annotated[str, StringConstraints(min_length=1, max_length=100)]
