import pytest

from tools.ordering.catalogue import load_catalogue
from tools.ordering.lines import OrderLine, read_lines

SMALL, MEDIUM, XL = "CNP-014-FB-01", "CNP-015-FB-01", "CNP-016-FB-01"
TRAY, LID = "TRI-001-TR-01", "TRI-002-LD-01"
THREE_BOXES = [(SMALL, 600), (MEDIUM, 200), (XL, 400)]


def read(text: str) -> tuple[OrderLine, ...]:
    return read_lines(text, load_catalogue(), {"tampines"})


WRITTEN: list[tuple[str, list[tuple[str, int]]]] = [
    ('10" Regular (100/bundle): 600\n12" Medium: 200\n14" XL Box (50/bundle): 400', THREE_BOXES),
    ("6 bundles of ten inch, 2 bdl 12in and 400 pcs XL for thurs, tampines outlet", THREE_BOXES),
    ("300 x CNP-015-FB-01", [(MEDIUM, 300)]),
    ("CNP-014 x 600, cnp015 x 200 & CNP-016: 400", THREE_BOXES),
    ("600x CNP-014\n200x CNP-015\n400x CNP-016", THREE_BOXES),
    ("two hundred 12 inch boxes and 5 cartons of tray lids", [(MEDIUM, 200), (LID, 1000)]),
    ("make it 3 bundles of medium pizza boxes", [(MEDIUM, 300)]),
    ('12" box x 200', [(MEDIUM, 200)]),
    ("12\u201d box \u00d7 200", [(MEDIUM, 200)]),
    ('600x10" box', [(SMALL, 600)]),
    ("50x14in", [(XL, 50)]),
    ("pls send 100 10in n 50 xl", [(SMALL, 100), (XL, 50)]),
    ("100 10in 50 xl", [(SMALL, 100), (XL, 50)]),
    ("10in 100 xl 50", [(SMALL, 100), (XL, 50)]),
    ("1,000 pcs of regular boxes", [(SMALL, 1000)]),
    ("2k medium boxes", [(MEDIUM, 2000)]),
    ("1.5k ten-inch boxes", [(SMALL, 1500)]),
    ("- 200 medium boxes\n- 100 ten inch\n* 3 ctn lids", [(MEDIUM, 200), (SMALL, 100), (LID, 600)]),
    ("1. 12 inch box x 200\n2. XL - 100", [(MEDIUM, 200), (XL, 100)]),
    ('10" box\n600\n12" box\n200', [(SMALL, 600), (MEDIUM, 200)]),
    ("10 inch box, 600 pcs", [(SMALL, 600)]),
    ("600 pcs, 10 inch box", [(SMALL, 600)]),
    ("need 10in: 2 bundles; 12in: 1 bundle", [(SMALL, 200), (MEDIUM, 100)]),
    ("6 medium box bundles", [(MEDIUM, 600)]),
    ("a bundle of XL and another bundle of 12 inch", [(XL, 50), (MEDIUM, 100)]),
    ("600 pcs (6 bundles) of 10 inch", [(SMALL, 600)]),
    ("3 bundles of 100 medium boxes", [(MEDIUM, 300)]),
    ("10 regular box: 600", [(SMALL, 600)]),
    ('CNP-014-FB-01 | 10" Regular Box | 600 | 0.45 | 270.00', [(SMALL, 600)]),
    ("200 medium boxes @ $0.65", [(MEDIUM, 200)]),
    ("five hundred and fifty xl boxes", [(XL, 550)]),
    ("a thousand 12-inch boxes", [(MEDIUM, 1000)]),
    ("5 hundred medium boxes", [(MEDIUM, 500)]),
    ("25 dozen medium boxes", [(MEDIUM, 300)]),
    ("1 ctn 1-ply napkins, 2 packs bagasse bowls", [("NAP-1P", 5000), ("BGS-BOWL6", 100)]),
    ("250 small kraft bags plus 500 big bags", [("BAG-S", 250), ("BAG-L", 500)]),
    ("150 single trays with 3 ctn of lids", [(TRAY, 150), (LID, 600)]),
    ("150 single trays, 3 ctn of 3-comp trays", [(TRAY, 150), ("TRI-003-TR-03", 300)]),
    (
        "BGS-TRAY86 x 100, CUT-W 500, BAG-M 250",
        [("BGS-TRAY86", 100), ("CUT-W", 500), ("BAG-M", 250)],
    ),
    ('100 8x6" bagasse trays and 50 9" plates', [("BGS-TRAY86", 100), ("BGS-PLATE9", 50)]),
    ("600 ten inch, 600 liners 10 inch", [(SMALL, 600), ("LIN-010", 600)]),
    ("200 meduim boxs urgent", [(MEDIUM, 200)]),
    (
        "order 200 12in to 12 Example Street 4 #01-06 S510012 by 5 March, call 8000 0012",
        [(MEDIUM, 200)],
    ),
    ("200 12in boxes at 9am on 5/3, PO by mail to mei@forno.tria.example", [(MEDIUM, 200)]),
    ("2. 200 medium boxes\nsee you at 2", [(MEDIUM, 200)]),
    ("thanks for the boxes last time! 200 12in", [(MEDIUM, 200)]),
    ('Order\n10" Box: 600\n12" Box:\n14" Box: 0', [(SMALL, 600)]),
    ("Delivery to: Tampines, 200 medium boxes", [(MEDIUM, 200)]),
    ("Kindly arrange 3 bundles (300 pcs) 12 inch medium box", [(MEDIUM, 300)]),
    ("can top up 2 more bundles of 14in for sat delivery?", [(XL, 100)]),
    ("Same as last month but add 100 XL", [(XL, 100)]),
    ("PO 4532: 200 x 12 inch box, see INV-1042", [(MEDIUM, 200)]),
    ("saya nak 200 kotak 12 inci dan 100 kotak 10 inci", [(MEDIUM, 200), (SMALL, 100)]),
    ("1 carton 1ply, 10 bundles regular", [("NAP-1P", 5000), (SMALL, 1000)]),
    ("a dozen bundles of xl and half a dozen bundles of ten inch", [(XL, 600), (SMALL, 600)]),
    ("我要10寸披萨盒600个、12寸六捆，谢谢", [(SMALL, 600), (MEDIUM, 600)]),
    ("三格餐盒两百个，单层餐巾纸一箱", [("TRI-003-TR-03", 200), ("NAP-1P", 5000)]),
    ("12寸２００个和盖子两箱", [(MEDIUM, 200), (LID, 400)]),
    ("14寸盒两百五十个", [(XL, 250)]),
    ("单格餐盒一千五个", [(TRAY, 1500)]),
    (
        "6 bundle kotak piza 12 inci dan dua ratus keping kotak 10 inci",
        [(MEDIUM, 600), (SMALL, 200)],
    ),
    ("tolong hantar dua ratus lima puluh beg kertas besar", [("BAG-L", 250)]),
    ("3 karton penutup, seribu dua ratus kotak 10 inci", [(LID, 600), (SMALL, 1200)]),
    ("12 இன்ச் பீட்சா பெட்டி இருநூறு வேண்டும்", [(MEDIUM, 200)]),
    ("மூடி 3 கார்ட்டன், 10 இன்ச் பெட்டி ஆயிரத்து இருநூறு", [(LID, 600), (SMALL, 1200)]),
    ("300 regular, 200 medium, 50 XL boxes", [(SMALL, 300), (MEDIUM, 200), (XL, 50)]),
    ("need liners for the 12in boxes, 200 pcs", [("LIN-012", 200)]),
    ("4 bundles 12s and 200 units of 10 inch", [(MEDIUM, 400), (SMALL, 200)]),
    ("200 12in between 9 and 12", [(MEDIUM, 200)]),
    ("Same as last month", []),
    ("hello, what are your hours?", []),
    ("", []),
]


@pytest.mark.parametrize(("text", "lines"), WRITTEN)
def test_what_is_ordered(text: str, lines: list[tuple[str, int]]) -> None:
    assert [(x.code, x.pieces) for x in read(text)] == lines


@pytest.mark.parametrize("text", [text for text, _ in WRITTEN])
def test_clear_lines_have_no_problem(text: str) -> None:
    assert {x.problem for x in read(text)} <= {None}


@pytest.mark.parametrize(
    ("text", "problem", "code", "pieces", "packs", "suggested"),
    [
        ("200 bags", "ambiguous", None, 200, 0, 0),
        ("3 bundles of pizza boxes", "ambiguous", None, 0, 3, 0),
        ("i want to order pizza boxes", "ambiguous", None, 0, 0, 0),
        ("200-300 boxes", "ambiguous", None, 0, 0, 0),
        ("6 x 100 10 inch boxes", "no_quantity", SMALL, 0, 0, 0),
        ("500 silver 12 inch boxes", "ambiguous", None, 500, 0, 0),
        ("200 medium boxes with our logo", "ambiguous", None, 200, 0, 0),
        ("300 sushi boats", "unknown_product", None, 300, 0, 0),
        ("200 x CNP-017", "unknown_product", None, 200, 0, 0),
        ("100 12 inch bags", "unknown_product", None, 100, 0, 0),
        ("make it 300", "unknown_product", None, 300, 0, 0),
        ("3 bundles pls", "unknown_product", None, 0, 3, 0),
        ("can i have 12 inch boxes", "no_quantity", MEDIUM, 0, 0, 0),
        ("200 or 300 medium boxes", "no_quantity", MEDIUM, 0, 0, 0),
        ("5 cartons of 150 lids", "no_quantity", LID, 0, 0, 0),
        ("half a bundle of xl", "not_whole_packs", XL, 25, 0, 50),
        ("1/2 carton of lids", "not_whole_packs", LID, 100, 0, 200),
        ("half carton lids", "not_whole_packs", LID, 100, 0, 200),
        ("半箱盖子", "not_whole_packs", LID, 100, 0, 200),
        ("setengah karton penutup", "not_whole_packs", LID, 100, 0, 200),
        ("a carton and a half of lids", "not_whole_packs", LID, 300, 0, 400),
        ("200个银色12寸披萨盒", "ambiguous", None, 200, 0, 0),
        ("200 kotak 12 inci merah", "ambiguous", None, 200, 0, 0),
        ("2.5 medium boxes", "no_quantity", MEDIUM, 0, 0, 0),
        ("999999999 medium boxes", "no_quantity", MEDIUM, 0, 0, 0),
        ("150 medium boxes", "not_whole_packs", MEDIUM, 150, 0, 200),
        ("2 medium boxes", "not_whole_packs", MEDIUM, 2, 0, 100),
        ("1.5 cartons of lids", "not_whole_packs", LID, 300, 0, 400),
        ("420 XL", "not_whole_packs", XL, 420, 0, 450),
    ],
)
def test_what_must_be_asked(
    text: str, problem: str, code: str | None, pieces: int, packs: int, suggested: int
) -> None:
    (line,) = read(text)
    assert (line.problem, line.code, line.pieces) == (problem, code, pieces)
    assert (line.packs, line.suggested_pieces) == (packs, suggested)


def test_a_clear_line_beside_one_without_quantity() -> None:
    first, second = read("200 medium boxes and lids")
    assert (first.code, first.problem) == (MEDIUM, None)
    assert (second.code, second.problem) == (LID, "no_quantity")


def test_goods_of_another_kind_are_not_lost_for_want_of_a_number() -> None:
    boxes, liners = read("200 12 inch boxes with liners")
    assert (boxes.code, boxes.pieces, boxes.problem) == (MEDIUM, 200, None)
    assert (liners.code, liners.problem) == (None, "ambiguous")


def test_the_phrase_stays_as_written() -> None:
    assert read("pls send 2 Bdl  of 12in, 150 XL")[0].phrase == "2 Bdl of 12in"


@pytest.mark.parametrize(
    ("text", "phrase"),
    [
        ("你好，我要12寸披萨盒六捆，谢谢", "12寸披萨盒六捆"),
        ("saya nak dua ratus keping kotak 12 inci", "dua ratus keping kotak 12 inci"),
        ("half a carton of lids", "half a carton of lids"),
    ],
)
def test_the_phrase_stays_in_the_customers_language(text: str, phrase: str) -> None:
    assert read(text)[0].phrase == phrase


def test_alternatives_are_products_to_choose_from() -> None:
    (line,) = read("200 bags")
    assert [p.code for p in line.alternatives] == ["BAG-S", "BAG-M", "BAG-L"]
