import pytest

from tools.sandbox.xero.where import parse_order, parse_where
from tools.sandbox.xero.wire import Refused

COLUMNS = {
    "Type": "type",
    "Reference": "reference",
    "Date": "day",
    "Contact.ContactID": "contact",
    "Total": "total",
    "IsSold": "sold",
}
ID = "00000000-0000-4000-8000-00000000000A"


@pytest.mark.parametrize(
    ("where", "condition", "values"),
    [
        ('Type=="ACCREC"', "type = ?", ("ACCREC",)),
        ("Date>=DateTime(2026,1,9)", "day >= ?", ("2026-01-09",)),
        (f'Contact.ContactID==guid("{ID}")', "contact = ?", (ID.lower(),)),
        ('Type=="A" AND Reference!="B"', "type = ? and reference <> ?", ("A", "B")),
        ('Type=="A" || Type == "B"', "type = ? or type = ?", ("A", "B")),
        ("Total>=100.50", "total >= ?", (100.5,)),
        ("IsSold==true && Total!=-1", "sold = ? and total <> ?", (1, -1)),
    ],
)
def test_a_comparison(where: str, condition: str, values: tuple[str | float, ...]) -> None:
    assert parse_where(where, COLUMNS) == (condition, values)


@pytest.mark.parametrize(
    "where",
    [
        "",
        "1==1",
        'Type=="A" OR 1==1',
        'Type=="A" AND',
        'Type=="A" Reference=="B"',
        'Unknown=="A"',
        'Reference=="a\\"b"',
        'Reference==""; drop table documents',
        "Date>=DateTime(2026,13,1)",
        'Contact.ContactID==guid("x")',
        "IsSold==maybe",
        'Type.StartsWith("A")',
    ],
)
def test_anything_else_is_not_understood(where: str) -> None:
    with pytest.raises(Refused) as refused:
        parse_where(where, COLUMNS)

    assert b"QueryParseException" in refused.value.reply.body


def test_an_order_names_known_fields() -> None:
    assert parse_order("Date DESC, Type", COLUMNS) == "day desc, type asc, id"
    with pytest.raises(Refused):
        parse_order("Date; drop", COLUMNS)
