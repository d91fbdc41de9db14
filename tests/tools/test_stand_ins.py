"""Stand-ins: nothing real is left, and the same person stays the same one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tools.screening.numbers import is_card, is_nric
from tools.screening.stand_ins import StandIns

PERSONAL = [
    "my name is Wong Kah Seng",
    "call me at 9123 4567",
    "mail wong.ks@example.com",
    "my nric is S8800001A",
    "card 4111 1111 1111 1111",
    "deliver to 12 Bedok North Street 4 #01-06 S(460012)",
    "bank account 012-345678-9",
]
SECRETS = [
    *("Wong Kah Seng", "9123 4567", "wong.ks@example.com", "S8800001A"),
    *("4111 1111 1111 1111", "12 Bedok North Street 4", "012-345678-9"),
]


@pytest.mark.parametrize(("text", "secret"), [*zip(PERSONAL, SECRETS, strict=True)], ids=SECRETS)
def test_what_is_personal_is_replaced(text: str, secret: str) -> None:
    replaced = StandIns({}).replaced(text)
    assert secret not in replaced
    assert replaced != text


def test_the_same_person_stays_the_same_however_it_is_written() -> None:
    people = StandIns({})
    first = people.replaced("call me at 9123 4567")
    assert people.replaced("call me at +65 91234567") == first
    assert people.replaced("call me at 9765 4321") != first


def test_numbers_with_check_digits_keep_them() -> None:
    people = StandIns({})
    nric = people.replaced("nric S1234567D").rpartition(" ")[2]
    assert is_nric(nric[0], nric[1:8], nric[8])
    assert is_card(people.replaced("card 4111 1111 1111 1111").partition(" ")[2])


def test_what_is_known_to_be_theirs_is_replaced_everywhere() -> None:
    people = StandIns({"Satay Corner Pte Ltd": "Laksa Lane Pte Ltd", "Satay Corner": "Laksa Lane"})
    assert people.replaced("SATAY  corner here, bill Satay Corner Pte Ltd") == (
        "Laksa Lane here, bill Laksa Lane Pte Ltd"
    )
    assert people.replaced("two satay cornerstones") == "two satay cornerstones"


@pytest.mark.parametrize(
    "text",
    ["600 of the 12 inch", "INV-1043 is SGD 806.60", "PO 4411 and TRIA-000001", "{own} please"],
)
def test_business_stays_as_it_is(text: str) -> None:
    assert StandIns({}).replaced(text) == text


@given(st.text(alphabet="ab \\g<0>1.{}", max_size=20))
def test_a_known_value_is_replaced_to_the_letter(stand_in: str) -> None:
    assert StandIns({"Satay Corner": stand_in}).replaced("Satay Corner") == stand_in


@pytest.mark.parametrize(
    ("text", "replaced"),
    [
        ("我是陈伟明，要订货", "我是Mei Lim，要订货"),
        ("see https://satay.example/x?user=kim", "see https://guests.tria.example/page"),
        ("write to @sataycorner", "write to https://guests.tria.example/page"),
    ],
    ids=["beside Chinese signs", "an address", "a handle"],
)
def test_names_beside_chinese_signs_and_addresses_are_replaced(text: str, replaced: str) -> None:
    assert StandIns({"陈伟明": "Mei Lim"}).replaced(text) == replaced


def test_a_stand_in_is_not_replaced_by_another() -> None:
    people = StandIns({"Wei Ming": "Mei Lim", "Mei": "Siti", "Lim": "Rahman"})
    assert people.replaced("Wei Ming and Mei") == "Mei Lim and Siti"
