"""Each check of the evals on an answer that passes and one that does not."""

from pathlib import Path
from typing import Any

import pytest

from evals.dataset import Expect, load_cases
from evals.replay import check

CARD = {
    "status": "proposed",
    "total": "141.70",
    "lines": [{"code": "CNP-015-FB-01", "pieces": 200}],
}


def values(**changed: Any) -> dict[str, Any]:
    extra = {"citations": [{"id": "payment#terms"}], "card": CARD, "handoff": {"ticket": "T-1"}}
    answer = {"content": "You owe SGD 12.00.", "additional_kwargs": extra}
    return {"messages": [answer], "intents": ["balance"]} | changed


FITTING = {
    "intents": ("balance",),
    "says": ("you owe",),
    "cites": "payment#",
    "handoff": True,
    "card_status": "proposed",
    "card_total": "141.70",
    "card_lines": {"CNP-015-FB-01": 200},
}


def test_an_answer_that_is_as_expected_has_no_problems() -> None:
    assert list(check(values(), Expect.model_validate(FITTING))) == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"intents": ("policy",)},
        {"says": ("nothing",)},
        {"never_says": ("SGD",)},
        {"cites": "delivery#"},
        {"handoff": False},
        {"card_status": "committed"},
        {"card_total": "141.71"},
        {"card_lines": {"CNP-015-FB-01": 300}},
    ],
    ids=lambda wrong: next(iter(wrong)),
)
def test_one_thing_that_is_not_as_expected_is_one_problem(wrong: dict[str, Any]) -> None:
    assert len(list(check(values(), Expect.model_validate(FITTING | wrong)))) == 1


def test_a_failed_run_is_a_problem() -> None:
    assert list(check({"__error__": {"error": "x"}}, Expect()))


def test_the_datasets_are_well_formed_and_their_ids_unique() -> None:
    cases = load_cases(Path("evals/datasets"))
    assert len({case.id for case in cases}) == len(cases) > 0


def test_a_broken_line_is_named(tmp_path: Path) -> None:
    (tmp_path / "broken.jsonl").write_text('{"id": "a"}\n')
    with pytest.raises(ValueError, match=r"broken\.jsonl, line 1"):
        load_cases(tmp_path)


def test_one_dataset_can_be_chosen() -> None:
    folder = Path(__file__).parents[2] / "evals" / "datasets"
    accounts = {case.id for case in load_cases(folder, "accounts")}
    assert len(accounts) >= 40
    assert accounts < {case.id for case in load_cases(folder)}
