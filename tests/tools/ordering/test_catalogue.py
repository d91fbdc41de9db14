import pytest
from hypothesis import given
from hypothesis import strategies as st

from tools.ordering.catalogue import load_catalogue

REGULAR, MEDIUM, XL = "CNP-014-FB-01", "CNP-015-FB-01", "CNP-016-FB-01"


@pytest.mark.parametrize(
    ("phrase", "code"),
    [
        ("CNP-014-FB-01", REGULAR),
        ("cnp-015", MEDIUM),
        ("CNP016", XL),
        ('CNP-014-FB-01 10" Regular Box', REGULAR),
        ("BAG-S", "BAG-S"),
        ("bgs-bowl6", "BGS-BOWL6"),
        ("ten inch", REGULAR),
        ('10"', REGULAR),
        ("10-inch pizza boxes", REGULAR),
        ("12in", MEDIUM),
        ("12in medium", MEDIUM),
        ("the medium pizza boxes please", MEDIUM),
        ("XL", XL),
        ("extra large box", XL),
        ("14 inch liner", "LIN-014"),
        ("single compartment trays", "TRI-001-TR-01"),
        ("750 ml tray", "TRI-001-TR-01"),
        ("3-comp tray", "TRI-003-TR-03"),
        ("tray lids", "TRI-002-LD-01"),
        ("lids for the single tray", "TRI-002-LD-01"),
        ("1-ply napkins", "NAP-1P"),
        ("double ply serviettes", "NAP-2P"),
        ("small kraft bags", "BAG-S"),
        ("cutlery sets", "CUT-W"),
        ('8x6" bagasse tray', "BGS-TRAY86"),
        ("medum box", MEDIUM),
        ("meduim piza boxes", MEDIUM),
        ("regluar box", REGULAR),
    ],
)
def test_a_product_is_found_as_customers_call_it(phrase: str, code: str) -> None:
    match = load_catalogue().find(phrase)
    assert match.product
    assert match.product.code == code
    assert match.confidence >= 0.85
    assert match.alternatives == ()


@pytest.mark.parametrize(
    ("phrase", "codes"),
    [
        ("box", {REGULAR, MEDIUM, XL}),
        ("pizza boxes", {REGULAR, MEDIUM, XL}),
        ("bag", {"BAG-S", "BAG-M", "BAG-L"}),
        ("liners", {"LIN-010", "LIN-012", "LIN-014"}),
        ("napkin", {"NAP-1P", "NAP-2P"}),
        ("meal tray", {"TRI-001-TR-01", "TRI-003-TR-03"}),
        ("medium", {MEDIUM, "LIN-012", "BAG-M"}),
        ("bagasse", {"BGS-BOWL6", "BGS-TRAY86", "BGS-PLATE9"}),
    ],
)
def test_a_phrase_that_fits_several_products_picks_none(phrase: str, codes: set[str]) -> None:
    match = load_catalogue().find(phrase)
    assert match.product is None
    assert {p.code for p in match.alternatives} == codes


@pytest.mark.parametrize(
    ("phrase", "near"),
    [
        ("white 12 inch boxes", MEDIUM),  # costs more than the plain one
        ("medium boxes with logo", MEDIUM),
        ("16 inch pizza box", XL),
        ("metal tray", "TRI-001-TR-01"),  # one letter from "meal"
        ("xl bag", "BAG-L"),
        ("12 inch bag", "BAG-L"),
        ("6 inch", "BGS-BOWL6"),
        ("CNP-014 12 inch box", MEDIUM),
        ("CNP-015 with logo", MEDIUM),
        ("tray with lid", "TRI-002-LD-01"),
    ],
)
def test_something_we_do_not_sell_is_not_taken_for_something_near(phrase: str, near: str) -> None:
    match = load_catalogue().find(phrase)
    assert match.product is None
    assert match.confidence < 0.7
    assert near in {p.code for p in match.alternatives}


@pytest.mark.parametrize("phrase", ["", "hello", "sushi boat", "CNP-017", "thanks a lot"])
def test_words_without_a_product(phrase: str) -> None:
    match = load_catalogue().find(phrase)
    assert (match.product, match.confidence, match.alternatives) == (None, 0.0, ())


def test_every_code_name_and_nickname_leads_to_its_product() -> None:
    catalogue = load_catalogue()
    for product in catalogue.products:
        for phrase in (product.code, product.name, *product.nicknames):
            assert catalogue.find(phrase).product == product, phrase


@given(st.text())
def test_any_text_has_an_answer(phrase: str) -> None:
    match = load_catalogue().find(phrase)
    assert 0 <= match.confidence <= 1
    assert match.product is None or not match.alternatives


def test_an_answer_picks_one_of_the_products_that_were_offered() -> None:
    catalogue = load_catalogue()
    bags = catalogue.find("bags").alternatives
    picked = catalogue.among("the kraft one large", bags)
    assert picked
    assert picked.code == "BAG-L"
    assert catalogue.among("the kraft one", bags) is None
    assert catalogue.among("the red one", bags) is None
