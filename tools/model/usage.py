"""What calls of the model use, and what that costs."""

import re
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cache
from importlib.resources import files

from langchain_core.messages import BaseMessage
from langchain_core.messages.ai import UsageMetadata

MILLION = 1_000_000
BYTES_PER_TOKEN = 3  # fewer than there are, so that an estimate is too high and not too low
MESSAGE_TOKENS = 8
DATED = re.compile(r"-\d{4}-?\d{2}-?\d{2}$")


@dataclass(frozen=True)
class Usage:
    """Tokens and USD of one call, or of several added up. `cached` are among `tokens_in`."""

    tokens_in: int = 0
    tokens_out: int = 0
    cached: int = 0
    cost: Decimal = field(default_factory=Decimal)
    is_estimate: bool = False  # the service did not say, as when a stream broke

    def __add__(self, other: "Usage") -> "Usage":
        return Usage(
            self.tokens_in + other.tokens_in,
            self.tokens_out + other.tokens_out,
            self.cached + other.cached,
            self.cost + other.cost,
            self.is_estimate or other.is_estimate,
        )


@dataclass(frozen=True)
class Price:
    """USD for a million tokens."""

    input: Decimal
    cached: Decimal
    output: Decimal

    def cost(self, tokens_in: int, tokens_out: int, cached: int = 0) -> Decimal:
        """USD for one call."""
        fresh = max(0, tokens_in - cached)
        total = self.input * fresh + self.cached * cached + self.output * tokens_out
        return total / MILLION


@cache
def price_of(model: str) -> Price:
    """The price of a model by its name; a cautious one for a name that is not in the table."""
    table = tomllib.loads(files("tools.model").joinpath("prices.toml").read_text("utf-8"))
    listed = table["models"]
    name = model.rsplit("/", 1)[-1]
    row = listed.get(name) or listed.get(DATED.sub("", name)) or table["default"]
    return Price(**{kind: Decimal(amount) for kind, amount in row.items()})


def counted(model: str, reported: UsageMetadata) -> Usage:
    """The usage that the service reported."""
    tokens_in, tokens_out = reported["input_tokens"], reported["output_tokens"]
    cached = reported.get("input_token_details", {}).get("cache_read", 0)
    cost = price_of(model).cost(tokens_in, tokens_out, cached)
    return Usage(tokens_in, tokens_out, cached, cost)


def estimated(model: str, messages: Sequence[BaseMessage], tokens_out: int) -> Usage:
    """At least what a call with these messages and that many tokens of answer uses."""
    tokens_in = sum(MESSAGE_TOKENS + tokens_of(str(message.text)) for message in messages)
    cost = price_of(model).cost(tokens_in, tokens_out)
    return Usage(tokens_in, tokens_out, 0, cost, is_estimate=True)


def tokens_of(text: str) -> int:
    """A text's tokens, guessed too high in any language."""
    return -(-len(text.encode()) // BYTES_PER_TOKEN)
