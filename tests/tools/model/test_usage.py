from decimal import Decimal

import pytest
from langchain_core.messages import HumanMessage, SystemMessage

from tools.model.usage import Usage, counted, estimated, price_of, tokens_of


def test_a_call_costs_its_tokens() -> None:
    reported = counted(
        "gpt-4.1-mini",
        {
            "input_tokens": 1_000_000,
            "output_tokens": 100_000,
            "total_tokens": 1_100_000,
            "input_token_details": {"cache_read": 500_000},
        },
    )
    assert reported == Usage(1_000_000, 100_000, 500_000, Decimal("0.41"))


@pytest.mark.parametrize("name", ["gpt-4.1-mini-2025-04-14", "openai/gpt-4.1-mini"])
def test_a_dated_or_prefixed_name_costs_what_the_model_costs(name: str) -> None:
    assert price_of(name) == price_of("gpt-4.1-mini")


def test_an_unknown_model_is_taken_to_be_dear() -> None:
    unknown = price_of("a model of tomorrow")
    for name in ("gpt-4o", "gpt-4.1", "gpt-5"):
        known = price_of(name)
        assert unknown.input >= known.input
        assert unknown.output >= known.output


def test_usages_add_up() -> None:
    one = Usage(10, 5, 2, Decimal("0.10"))
    assert one + Usage(1, 1, 0, Decimal("0.01"), is_estimate=True) == Usage(
        11, 6, 2, Decimal("0.11"), is_estimate=True
    )


def test_an_estimate_is_no_lower_than_the_text() -> None:
    usage = estimated("gpt-4.1", [SystemMessage("a " * 300), HumanMessage("您好" * 50)], 20)
    assert usage.tokens_in >= 200 + 100
    assert usage.tokens_out == 20
    assert usage.cost > 0
    assert usage.is_estimate


def test_a_text_without_letters_has_no_tokens() -> None:
    assert tokens_of("") == 0
