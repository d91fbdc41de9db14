"""A customer's own list beside ours."""

from datetime import date
from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.tools.xero import papers
from tools.xero.differences import Differences, Differing, Entry, differences
from tools.xero.documents import CreditNote, Invoice, Payment
from tools.xero.statement import AccountDocuments, statement_of

FEW = settings(max_examples=40, deadline=None)
cents = st.integers(1, 500_000).map(lambda n: Decimal(n) / 100)
lists = st.dictionaries(st.integers(1, 30).map("INV-{}".format), cents, max_size=8)


def _invoices(amounts: dict[str, Decimal]) -> list[Invoice]:
    return [
        Invoice.model_validate(papers.invoice(number, Total=amount, AmountDue=amount))
        for number, amount in amounts.items()
    ]


@FEW
@given(lists)
def test_the_same_list_has_no_differences(amounts: dict[str, Decimal]) -> None:
    same = [(number.lower().replace("-", " "), amount) for number, amount in amounts.items()]
    assert differences(_invoices(amounts), same) == Differences((), (), ())


@FEW
@given(lists, lists)
def test_every_difference_is_told_once(
    ours: dict[str, Decimal], theirs: dict[str, Decimal]
) -> None:
    found = differences(_invoices(ours), list(theirs.items()))
    assert {x.number for x in found.only_ours} == ours.keys() - theirs.keys()
    assert {x.number for x in found.only_theirs} == theirs.keys() - ours.keys()
    other = {n for n in ours.keys() & theirs.keys() if ours[n] != theirs[n]}
    assert {x.number for x in found.other_amounts} == other


def test_a_document_listed_twice_is_once_too_many() -> None:
    listed = [("INV-1", Decimal(109)), ("INV-1", Decimal(109))]
    found = differences(_invoices({"INV-1": Decimal(109)}), listed)
    assert found == Differences((), (Entry("INV-1", Decimal(109)),), ())


def test_a_statement_is_compared_by_its_documents() -> None:
    invoice = papers.invoice("INV-1", AmountDue=59, AmountPaid=50)
    note = CreditNote.model_validate(papers.credit_note("CN-1"))
    documents = AccountDocuments(
        [Invoice.model_validate(invoice)],
        [note],
        [Payment.model_validate(papers.payment(invoice, 50))],
    )
    since, until = date(2026, 11, 1), date(2026, 11, 30)
    statement = statement_of(documents, since, until, as_of=until)
    theirs = [("INV-1", Decimal(100)), ("CN-1", Decimal(-109))]
    assert differences(statement, theirs) == Differences(
        (), (), (Differing("INV-1", Decimal(109), Decimal(100)),)
    )


def test_what_is_still_due_may_be_listed_instead_of_the_total() -> None:
    invoice = Invoice.model_validate(papers.invoice("INV-1", AmountDue=59, AmountPaid=50))
    assert differences([invoice], [("INV-1", Decimal(59))]) == Differences((), (), ())
