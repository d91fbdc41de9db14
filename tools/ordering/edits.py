"""One change to the lines of an open order."""

import re
from collections.abc import Sequence, Set
from dataclasses import dataclass, replace
from decimal import ROUND_HALF_UP, Decimal

from tools.ordering.catalogue import AMBIGUOUS_CONFIDENCE, Catalogue, Product
from tools.ordering.cues import Mode, mode_of
from tools.ordering.lines import Candidate, count, counted, line_of
from tools.ordering.quantities import Amount
from tools.ordering.types import OrderLine
from tools.ordering.words import FILLER

Lines = tuple[OrderLine, ...]
# With one of these a line waits for a number.
UNCOUNTED = frozenset({"no_quantity", "not_whole_packs", "out_of_stock"})


@dataclass(frozen=True)
class Edit:
    """A stretch of text, and what the clause around it does to the goods it names."""

    mode: Mode
    candidate: Candidate
    phrase: str


def edited(lines: Lines, edit: Edit, catalogue: Catalogue) -> Lines:
    """The lines after one change; what is in doubt becomes a line with a question."""
    targets = _targets(lines, edit.candidate, catalogue)
    if len(targets) > 1 and edit.candidate.item.amounts:
        targets = [i for i in targets if lines[i].problem in UNCOUNTED] or targets
    if edit.mode == "remove" and not edit.candidate.item.amounts:
        dropped = targets or _open_targets(lines, edit.candidate)
        return tuple(x for i, x in enumerate(lines) if i not in dropped)
    if len(targets) > 1 or (not targets and edit.candidate.is_bare):
        return (*lines, _question(lines, targets, edit, catalogue))
    if not targets or _is_of_another_finish(lines[targets[0]], edit):
        return lines if edit.mode in {"remove", "less"} else _appended(lines, edit)
    place = targets[0]
    line = _changed(lines[place], edit, catalogue)
    return (*lines[:place], *([line] if line else []), *lines[place + 1 :])


def swapped(
    lines: Lines, candidate: Candidate, catalogue: Catalogue, given: Candidate | None = None
) -> Lines | None:
    """The last fitting line (or the one `given` names) with another product; None without one."""
    places = _targets(lines, given, catalogue) if given else list(range(len(lines)))
    for place in reversed(places):
        line = lines[place]
        product = _instead_of(line, candidate, catalogue, is_only=len(places) == 1)
        if product and product.code != line.code:
            amounts = candidate.item.amounts or _amounts(line)
            named = replace(line, code=product.code, phrase=candidate.item.phrase, alternatives=())
            fresh = counted(replace(named, packs=0), amounts, product)
            return (*lines[:place], fresh, *lines[place + 1 :])
    return None


def resolved(lines: Lines, words: str, amounts: Sequence[Amount], catalogue: Catalogue) -> Lines:
    """The lines with the one open product settled that these words pick."""
    for place, line in enumerate(lines):
        if line.code is not None:
            continue
        product = _picked(line, words, catalogue, is_only=len(lines) == 1)
        if product is None:
            continue
        others = (*lines[:place], *lines[place + 1 :])
        numbers = amounts or _amounts(line)
        known = [i for i, x in enumerate(others) if x.code == product.code]
        if len(known) == 1 and (mode := mode_of(line.phrase)) != "plain":
            fresh = _counted_as(others[known[0]], mode, numbers, product)
            return tuple(fresh if i == known[0] else x for i, x in enumerate(others))
        settled = replace(line, code=product.code, alternatives=(), packs=0, confidence=1.0)
        return (*lines[:place], counted(settled, numbers, product), *lines[place + 1 :])
    return lines


def counted_all(lines: Lines, amounts: Sequence[Amount], catalogue: Catalogue) -> Lines:
    """The same number for every line that waits for one, or for all: "300 each"."""
    waiting = [x for x in lines if x.problem in UNCOUNTED] or [x for x in lines if x.code]
    return tuple(_numbered(x, amounts, catalogue) if x in waiting else x for x in lines)


def counted_in_turn(
    lines: Lines, numbers: Sequence[Sequence[Amount]], catalogue: Catalogue
) -> Lines | None:
    """One number for each line that waits for one, in their order; None when they do not match."""
    waiting = [x for x in lines if x.problem == "no_quantity"]
    if len(waiting) < 2 or len(waiting) != len(numbers):
        return None
    of_line = dict(zip(map(id, waiting), numbers, strict=True))
    return tuple(_numbered(x, of_line[id(x)], catalogue) if id(x) in of_line else x for x in lines)


def scaled(lines: Lines, factor: Decimal, codes: Set[str], catalogue: Catalogue) -> Lines:
    """The lines of these goods, or all where none are named, with so much of their pieces."""
    fresh = []
    for line in lines:
        is_meant = line.pieces and line.code and (not codes or line.code in codes)
        amount = Amount((line.pieces * factor).to_integral_value(ROUND_HALF_UP), "piece")
        fresh.append(_numbered(line, [amount], catalogue) if is_meant else line)
    return tuple(fresh)


def without_unknown(lines: Lines, words: Set[str]) -> Lines:
    """The lines without those of unknown goods that these words name again."""
    return tuple(x for x in lines if x.problem != "unknown_product" or not _names(x, words))


def _names(line: OrderLine, words: Set[str]) -> bool:
    own = set(re.findall(r"[^\W\d_]+", line.phrase.lower())) - FILLER
    return bool(own) and own <= words


def _numbered(line: OrderLine, amounts: Sequence[Amount], catalogue: Catalogue) -> OrderLine:
    product = catalogue.get(line.code) if line.code else None
    return counted(replace(line, alternatives=()), amounts, product) if product else line


def accepted(line: OrderLine, catalogue: Catalogue, *, is_down: bool = False) -> OrderLine:
    """The line with the whole packs that were suggested, or the one product that was offered."""
    if line.problem == "ambiguous" and len(line.alternatives) == 1:
        product = line.alternatives[0]
        settled = replace(line, code=product.code, alternatives=(), packs=0)
        return counted(settled, _amounts(line), product)
    if line.problem not in UNCOUNTED or not line.suggested_pieces:
        return line
    known = catalogue.get(line.code or "")
    below = line.pieces // known.pack_size * known.pack_size if known and is_down else 0
    pieces = below or line.suggested_pieces
    return replace(line, pieces=pieces, problem=None, suggested_pieces=0, alternatives=())


def _targets(lines: Lines, candidate: Candidate, catalogue: Catalogue) -> list[int]:
    """The lines a candidate means: those it names, or for a bare number the one that fits."""
    if candidate.is_bare:
        waiting = [i for i, x in enumerate(lines) if x.problem in UNCOUNTED]
        waiting = waiting or [i for i, x in enumerate(lines) if x.code is None and not x.pieces]
        return waiting if len(waiting) == 1 else list(range(len(lines))) if len(lines) == 1 else []
    match = candidate.match
    if match.product:
        own = [i for i, x in enumerate(lines) if x.code == match.product.code]
        return [i for i in own if lines[i].finish == candidate.finish] or own
    meant = {p.code for p in match.alternatives if catalogue.fits(candidate.item.words, p)}
    return [i for i, x in enumerate(lines) if x.code in meant]


def _is_of_another_finish(line: OrderLine, edit: Edit) -> bool:
    """Whether goods come on top that are not those of the line: "add 100 white ones"."""
    finish = edit.candidate.finish
    return edit.mode == "add" and bool(finish) and finish != line.finish


def _open_targets(lines: Lines, candidate: Candidate) -> list[int]:
    """The lines without a product yet that may be what was named."""
    match = candidate.match
    meant = {match.product, *match.alternatives}
    return [i for i, x in enumerate(lines) if x.code is None and meant & {*x.alternatives}]


def _changed(line: OrderLine, edit: Edit, catalogue: Catalogue) -> OrderLine | None:
    """The line with another number; None when nothing is left of it."""
    product = catalogue.get(line.code) if line.code else None
    amounts = edit.candidate.item.amounts
    if product is None:
        pieces = int(amounts[0].value) if amounts and amounts[0].unit != "pack" else 0
        packs = int(amounts[0].value) if amounts and not pieces else 0
        return replace(line, pieces=pieces, packs=packs)
    if not amounts:
        return line if line.pieces else replace(line, problem="no_quantity")
    fresh = _counted_as(line, edit.mode, amounts, product)
    return fresh if fresh.pieces or fresh.problem != "no_quantity" or _is_kept(edit) else None


def _is_kept(edit: Edit) -> bool:
    return edit.mode in {"set", "add", "plain"} and any(
        a.value for a in edit.candidate.item.amounts
    )


def _counted_as(
    line: OrderLine, mode: Mode, amounts: Sequence[Amount], product: Product
) -> OrderLine:
    """The line with a number that is set, added or taken off."""
    pieces = count(amounts, product)
    sign = {"add": 1, "less": -1, "remove": -1}.get(mode, 0)
    if pieces is None or not sign or not line.pieces:
        return counted(replace(line, alternatives=()), amounts, product)
    total = Amount(Decimal(max(0, line.pieces + sign * pieces)), "piece")
    return counted(replace(line, alternatives=()), [total], product)


def _appended(lines: Lines, edit: Edit) -> Lines:
    line = line_of(edit.candidate)
    return (*lines, line) if line else lines


def _question(lines: Lines, targets: Sequence[int], edit: Edit, catalogue: Catalogue) -> OrderLine:
    """A line that asks which goods a number is for."""
    meant = [lines[i] for i in targets] or lines
    codes = dict.fromkeys(x.code for x in meant if x.code)
    products = tuple(p for code in codes if (p := catalogue.get(code)))
    amounts = edit.candidate.item.amounts
    number = int(amounts[0].value) if len(amounts) == 1 else 0
    is_packs = bool(amounts) and amounts[0].unit == "pack"
    return OrderLine(
        code=None,
        pieces=0 if is_packs else number,
        phrase=edit.phrase,
        confidence=AMBIGUOUS_CONFIDENCE,
        problem="ambiguous",
        alternatives=products,
        packs=number if is_packs else 0,
    )


def _instead_of(
    line: OrderLine, candidate: Candidate, catalogue: Catalogue, *, is_only: bool
) -> Product | None:
    """The product that takes a line's place: of its family, or any for the only line."""
    product = catalogue.get(line.code) if line.code else None
    if candidate.match.product:
        is_alike = product is not None and product.family == candidate.match.product.family
        return candidate.match.product if is_alike or is_only else None
    if product is None:
        return None
    kin = [p for p in catalogue.products if p.family == product.family and p != product]
    return catalogue.among(candidate.item.words, kin)


def _picked(line: OrderLine, words: str, catalogue: Catalogue, *, is_only: bool) -> Product | None:
    """The product that an answer picks; another than was offered only for the only line."""
    if line.alternatives and (product := catalogue.among(words, line.alternatives)):
        return product
    match = catalogue.find(words)
    is_offered = not line.alternatives or match.product in line.alternatives
    return match.product if is_offered or (is_only and match.confidence == 1.0) else None


def _amounts(line: OrderLine) -> list[Amount]:
    """What a line counts so far."""
    if line.packs:
        return [Amount(Decimal(line.packs), "pack")]
    return [Amount(Decimal(line.pieces), "piece")] if line.pieces else []
