from typing import get_args

import pytest

from nodes.cards.rights import NEEDED, may
from tools.actions.store import Kind


def test_every_kind_of_card_needs_a_right() -> None:
    assert set(NEEDED) == set(get_args(Kind))


@pytest.mark.parametrize(
    ("roles", "kinds"),
    [
        (set(), set()),
        ({"reader"}, set()),
        ({"accounts"}, {"allocation", "email", "payment_report"}),
        ({"buyer"}, set(get_args(Kind)) - {"allocation"}),
        ({"buyer", "accounts"}, set(get_args(Kind))),
        ({"owner"}, set(get_args(Kind))),
    ],
)
def test_what_each_role_may_ask_for(roles: set[str], kinds: set[Kind]) -> None:
    assert {kind for kind in NEEDED if may(kind, roles)} == kinds
