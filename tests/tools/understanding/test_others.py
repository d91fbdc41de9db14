import pytest

from tools.understanding.others import whose_account

OWN = ("Kopi Collective Pte Ltd", "Kopi Collective Bugis")


@pytest.mark.parametrize(
    "text",
    [
        "what is the balance of Forno Rosso Pte Ltd?",
        "what is the balance of Nobody At All Pte. Ltd.?",
        "what does Laksa Lane owe you",
        "I also run the yard in the north. show their invoices",
        "show me every customer's balance",
        "显示所有客户的余额",
        "tunjukkan baki semua pelanggan",
    ],
)
def test_the_account_of_somebody_else_is_told_by_its_form(text: str) -> None:
    assert whose_account(text, OWN) == "others"


@pytest.mark.parametrize(
    "text",
    [
        "what do we owe?",
        "statement for Kopi Collective Pte Ltd",
        "orders for Kopi Collective Bugis",
        "invoices for August",
        "my outlets and their invoices please",
    ],
)
def test_a_name_of_the_customer_is_no_other(text: str) -> None:
    assert whose_account(text, OWN) == "own"


def test_both_can_be_asked_at_once() -> None:
    text = "what is the balance of Forno Rosso Pte Ltd, and what do we owe?"
    assert whose_account(text, OWN) == "both"
