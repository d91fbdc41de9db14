"""Filters of Xero are written in one place, out of ids alone; a lint holds the rest to it."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typing_extensions import override

from tools.xero import where
from tools.xero.where import any_invoice, contact_is

ROOT = Path(__file__).parents[3]
PACKAGES = ("api", "evals", "graph", "monitoring", "nodes", "tools")
# The sandbox reads filters as Xero does; nothing of it is part of the service.
EXEMPT = ("tools/sandbox/",)
BUILDERS = {"contact_is", "any_invoice"}
CALLERS = {"tools/xero/scope.py"}
GUID = r'guid\("[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"\)'
LANGUAGE = re.compile(r"\bguid\(|\bDateTime\(|Contact\.ContactID|Invoice\.InvoiceID|==\s*\"")


@given(st.uuids())
def test_a_contact_is_nothing_but_its_id(contact: UUID) -> None:
    # 5.4 case 12
    assert re.fullmatch(rf"Contact\.ContactID=={GUID}", contact_is(contact))
    assert str(contact) in contact_is(contact)


@given(st.lists(st.uuids(), min_size=1, max_size=40))
def test_invoices_are_nothing_but_their_ids(invoices: list[UUID]) -> None:
    # 5.4 case 12
    one = rf"Invoice\.InvoiceID=={GUID}"
    written = any_invoice(invoices)
    assert re.fullmatch(rf"{one}(?: OR {one})*", written)
    assert re.findall(r'"([^"]+)"', written) == [str(i) for i in invoices]


class Loose(UUID):
    """An id that prints something else."""

    @override
    def __str__(self) -> str:
        return '") OR Name!=null OR (Name=="'


@given(st.uuids())
def test_how_an_id_prints_does_not_matter(contact: UUID) -> None:
    assert contact_is(Loose(int=contact.int)) == contact_is(contact)


@given(
    st.one_of(
        st.text(),
        st.none(),
        st.integers(),
        st.binary(),
        st.dates(),
        st.sampled_from(['" OR 1==1 OR Reference=="', '") OR Name!=null', str(UUID(int=1))]),
    )
)
def test_what_is_no_id_makes_no_filter(other: Any) -> None:
    # 5.4 case 12
    with pytest.raises(TypeError):
        contact_is(other)
    with pytest.raises(TypeError):
        any_invoice([other])


def test_no_invoices_do_not_mean_all() -> None:
    with pytest.raises(ValueError, match="needs an invoice"):
        any_invoice([])


def test_every_builder_takes_ids_alone() -> None:
    """A new builder that takes a text needs a proof that it cannot be broken out of."""
    tree = ast.parse(Path(str(where.__file__)).read_text())
    functions = {n.name: n for n in tree.body if isinstance(n, ast.FunctionDef)}
    assert {name for name in functions if not name.startswith("_")} == BUILDERS
    for function in functions.values():
        annotations = {ast.unparse(a.annotation) for a in function.args.args if a.annotation}
        assert annotations <= {"UUID", "Sequence[UUID]"}


def written_by_hand(name: str, source: str) -> list[str]:
    """Where a file makes a filter without a builder of where.py."""
    if name == "tools/xero/where.py" or name.startswith(EXEMPT):
        return []
    tree = ast.parse(source)
    built = [v for _, v in _filters(tree) if name in CALLERS and _is_built(v)]
    wrong = [f"{name}:{line}" for line, value in _filters(tree) if value not in built]
    wrong += [
        f"{name}:{node.lineno}"
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and LANGUAGE.search(node.value)
    ]
    return wrong


def _filters(tree: ast.AST) -> Iterator[tuple[int, ast.AST]]:
    """Everything that is given the name `where`: in a dict, as an argument, by assignment."""
    for node in ast.walk(tree):
        for value in _named_where(node):
            yield getattr(value, "lineno", 0), value


def _named_where(node: ast.AST) -> list[ast.expr]:
    match node:
        case ast.Dict():
            return [v for k, v in zip(node.keys, node.values, strict=True) if k and _is_where(k)]
        case ast.keyword(arg="where"):
            return [node.value]
        case ast.Assign(targets=[ast.Subscript() as target]) if _is_where(target.slice):
            return [node.value]
        case ast.Tuple() | ast.List():
            return [element for element in node.elts if _is_where(element)]
        case ast.Call():
            return [argument for argument in node.args if _is_where(argument)]
        case _:
            return []


def _is_where(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value == "where"


def _is_built(value: ast.AST) -> bool:
    return (
        isinstance(value, ast.Call)
        and isinstance(value.func, ast.Name)
        and value.func.id in BUILDERS
    )


# What is tried against us there must hold filters.
ATTACKS = ROOT / "evals" / "bench" / "cross"


def test_no_filter_is_written_by_hand() -> None:
    # 5.1: the lint
    files = [f for package in PACKAGES for f in (ROOT / package).rglob("*.py")]
    files = [f for f in files if not f.is_relative_to(ATTACKS)]
    wrong = [
        found
        for file in files
        for found in written_by_hand(str(file.relative_to(ROOT)), file.read_text())
    ]
    assert not wrong


@pytest.mark.parametrize(
    "source",
    [
        'client.get("/Payments", {"where": f"Amount>{x}"})',
        'client.get("/Payments", {"where": text})',
        'client.get("/Payments", {"where": contact_is(x) + more})',
        'client.get("/Payments", dict(where=text))',
        'client.get("/Payments", where=f"{x}")',
        'params["where"] = text',
        'params: dict = {}; params["where"] = contact_is(x)[:-1]',
        'params |= [("where", text)]',
        'params.setdefault("where", contact_is(x))',
        "x = f'Contact.ContactID==guid(\"{contact}\")'",
        'x = "Reference==" + \'=="\' + reference',
        "x = f'Date>=DateTime({day})'",
    ],
)
def test_the_lint_sees_a_filter_made_by_hand(source: str) -> None:
    assert written_by_hand("tools/xero/scope.py", source)


def test_the_lint_lets_a_built_filter_pass_where_it_belongs() -> None:
    built = 'client.get("/CreditNotes", {"where": contact_is(contact), "page": "1"})'
    assert not written_by_hand("tools/xero/scope.py", built)
    assert written_by_hand("nodes/call_xero_tools.py", built)


def test_the_lint_knows_a_filter_from_a_query() -> None:
    assert not written_by_hand("tools/runs.py", 'x = "select 1 from runs where run_id = %s"')
