from typing import Any

import httpx
import pytest

from tests.tools.sandbox.conftest import Json, Xero, a_number, an_invoice
from tools.sandbox.company import demo_customers

FIRST = demo_customers()[0]


def create(office: Xero, **fields: Any) -> Json:
    answer = office.send("PUT", "/Contacts", {"Contacts": [{"Name": f"C {a_number()}", **fields}]})
    assert answer.status_code == 200, answer.text
    contact: Json = answer.json()["Contacts"][0]
    return contact


def refusal(answer: httpx.Response) -> str:
    assert answer.status_code == 400, answer.text
    return str(answer.json()["Elements"][0]["ValidationErrors"][0]["Message"])


def test_a_contact_is_made_and_changed(office: Xero) -> None:
    contact = create(office, EmailAddress="a@one.tria.example")
    path = f"/Contacts/{contact['ContactID']}"
    office.send("POST", path, {"EmailAddress": "b@one.tria.example"}).raise_for_status()

    assert contact["ContactStatus"] == "ACTIVE"
    kept = office.one(path)
    assert (kept["EmailAddress"], kept["Name"]) == ("b@one.tria.example", contact["Name"])


@pytest.mark.parametrize("spelt", ["as it is", "in capitals"])
def test_a_name_is_taken(office: Xero, spelt: str) -> None:
    name = create(office)["Name"]
    sent = name if spelt == "as it is" else name.upper()

    said = refusal(office.send("PUT", "/Contacts", {"Name": sent}))
    assert f"The contact name {sent} is already assigned to another contact." in said


def test_the_name_of_an_archived_contact_is_free(office: Xero) -> None:
    contact = create(office)
    path = f"/Contacts/{contact['ContactID']}"
    office.send("POST", path, {"ContactStatus": "ARCHIVED"}).raise_for_status()

    assert create(office, Name=contact["Name"])["ContactID"] != contact["ContactID"]
    listed = office.get("/Contacts", IDs=contact["ContactID"]).json()["Contacts"]
    assert listed == []
    archived = office.get("/Contacts", IDs=contact["ContactID"], includeArchived="true").json()
    assert archived["Contacts"][0]["ContactStatus"] == "ARCHIVED"


def test_an_archived_contact_gets_no_invoice(office: Xero) -> None:
    contact = create(office, ContactStatus="ARCHIVED")
    sent = an_invoice(Contact={"ContactID": contact["ContactID"]})

    assert "archived" in refusal(office.send("PUT", "/Invoices", sent))


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"Name": " "}, "must be specified"),
        ({"Name": "x" * 256}, "longer than 255"),
        ({"EmailAddress": 5}, "must be a text"),
        ({"Phones": "1234"}, "list of objects"),
        ({"ContactStatus": "GONE"}, "ContactStatus must be"),
        ({"Colour": "red"}, "Colour"),
    ],
)
def test_what_a_contact_may_not_hold(office: Xero, fields: Json, message: str) -> None:
    sent = {"Name": f"C {a_number()}", **fields}

    assert message in refusal(office.send("PUT", "/Contacts", sent))


def test_post_updates_by_name_and_creates_the_rest(office: Xero) -> None:
    contact = create(office)
    changed, made = (
        office.send("POST", "/Contacts", {"Name": name, "FirstName": "Ada"}).json()["Contacts"][0]
        for name in (contact["Name"], f"C {a_number()}")
    )

    assert changed["ContactID"] == contact["ContactID"]
    assert made["ContactID"] != contact["ContactID"]


def test_a_search_finds_parts_of_names_and_no_wildcards(xero: Xero) -> None:
    def names(term: str) -> list[str]:
        return [c["Name"] for c in xero.get("/Contacts", searchTerm=term).json()["Contacts"]]

    assert FIRST.company in names("forno")
    assert "Bamboo Bento 竹便当 Pte Ltd" in names("竹便当")
    assert names("%") == []


def test_a_summary_leaves_the_flags_out(xero: Xero) -> None:
    listed = xero.get("/Contacts", summaryOnly="true").json()["Contacts"]

    assert listed
    assert not any("IsCustomer" in c or "Addresses" in c for c in listed)


def test_the_history_of_a_contact(office: Xero) -> None:
    path = f"/Contacts/{create(office)['ContactID']}/History"
    note = {"HistoryRecords": [{"Details": "Called back on the known number"}]}
    office.send("PUT", path, note).raise_for_status()

    [record] = office.get(path).json()["HistoryRecords"]
    assert (record["Changes"], record["Details"]) == ("Note", "Called back on the known number")


def test_aged_receivables_add_up_to_the_balance(xero: Xero) -> None:
    contact_id = demo_customers()[1].contact_ids[0]
    answer = xero.get("/Reports/AgedReceivablesByContact", contactId=contact_id)
    head, section = answer.json()["Reports"][0]["Rows"]
    rows = [[cell["Value"] for cell in row["Cells"]] for row in section["Rows"]]
    owed = xero.one(f"/Contacts/{contact_id}")["Balances"]["AccountsReceivable"]

    assert [cell["Value"] for cell in head["Cells"]][-1] == "Due"
    assert rows[-1][-1] == f"{owed['Outstanding']:.2f}"
    assert sum(float(row[-1]) for row in rows[:-1]) == pytest.approx(owed["Outstanding"])
    assert any("days overdue" in row[3] for row in rows)


@pytest.mark.parametrize(
    "query",
    [
        {},
        {"contactId": "x"},
        {"contactId": "00000000-0000-4000-8000-000000000000"},
        {"contactId": FIRST.contact_ids[0], "date": "yesterday"},
    ],
)
def test_a_report_that_is_refused(xero: Xero, query: dict[str, str]) -> None:
    assert xero.get("/Reports/AgedReceivablesByContact", **query).status_code == 400
