"""Changes to an order that is being put together, and the answers to what we asked about it."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from tools.catalogue import Catalogue
from tools.order_cues import (
    AGREES,
    CARRIED,
    INTO,
    MADE,
    OVER,
    ROUND_DOWN,
    SWAP,
    TURNED_DOWN,
    Mode,
    is_talk,
    mode_of,
)
from tools.order_edits import UNCOUNTED, Edit, Lines, accepted, edited, resolved, swapped
from tools.order_lines import SMALL, Candidate
from tools.order_message import Message, read_message
from tools.order_moves import addressed, moved, timed
from tools.order_records import dump as dump
from tools.order_records import from_lines as from_lines
from tools.order_records import load as load
from tools.order_records import split as split
from tools.order_signs import TITLE
from tools.order_signs import asks_repeat as asks_repeat
from tools.order_tables import without_tables
from tools.order_text import in_english, plain
from tools.order_types import OrderRequest, Outlet
from tools.order_words import UNCOUNTABLE


def amend(
    request: OrderRequest,
    text: str,
    catalogue: Catalogue,
    outlets: Sequence[Outlet],
    received: datetime,
) -> OrderRequest | None:
    """The order as a message changes or completes it; None when the message does neither."""
    written = in_english(plain(without_tables(text)))
    if is_talk(written.text) or TITLE.search(written.text):
        return None
    message = read_message(written, catalogue, outlets, received)
    goods = _Goods(request.lines, message, catalogue)
    lines = _agreed(goods.changed(), request.lines, written.text, catalogue)
    amended = replace(request, lines=lines)
    amended = moved(amended, message, outlets, before=request.lines)
    amended = timed(amended, message, before=request.lines)
    amended = addressed(amended, written)
    return amended if goods.is_touched or amended != request else None


def _agreed(lines: Lines, before: Lines, text: str, catalogue: Catalogue) -> Lines:
    """A yes to what we suggested, for the lines that the message does not change itself."""
    is_down = ROUND_DOWN.search(text) is not None
    if not is_down and not AGREES.search(text):
        return lines
    return tuple(
        accepted(line, catalogue, is_down=is_down) if line in before else line for line in lines
    )


class _Goods:
    """The lines of an order while one message is worked through, stretch by stretch."""

    def __init__(self, lines: Lines, message: Message, catalogue: Catalogue) -> None:
        self.lines = lines
        self.is_touched = False
        self._message = message
        self._catalogue = catalogue

    def changed(self) -> Lines:
        """The lines after everything the message says."""
        if not self._is_answer():
            carried: Mode = "plain"
            waiting = list(self._message.candidates)
            while waiting:
                candidate = waiting.pop(0)
                if waiting and self._is_swap(candidate, waiting[0]):
                    waiting.pop(0)
                    continue
                carried = self._mode(candidate, carried)
                self._change(candidate, carried)
        return self.lines

    def _is_answer(self) -> bool:
        """Whether the message as a whole names the one product that was open."""
        found = self._message.candidates
        still_open = [x for x in self.lines if x.code is None]
        modes = {mode_of(self._message.context_of(c)) for c in found}
        if len(still_open) != 1 or not modes <= {"plain", "set"}:
            return False
        words = " ".join(c.item.words for c in found if c.item.words)
        amounts = [a for c in found for a in c.item.amounts]
        settled = resolved(self.lines, words, amounts, self._catalogue) if words else self.lines
        return self._take(settled)

    def _is_swap(self, one: Candidate, other: Candidate) -> bool:
        """Whether two products stand for each other: "change A to B", "A instead of B", "not A, B"."""
        if not (one.is_named and other.is_named):
            return False
        between = self._message.text[one.item.end : other.item.start]
        before = self._message.text[: one.item.start]
        wanted, given = other, one
        if OVER.search(between):
            wanted, given = one, other
        elif not (SWAP.search(before) and INTO.search(between)) and not TURNED_DOWN.search(before):
            return False
        lines = swapped(self.lines, wanted, self._catalogue, given)
        return lines is not None and self._take(lines)

    def _mode(self, candidate: Candidate, carried: Mode) -> Mode:
        """What this stretch does; "add 200 lids and 2 bundles of XL" adds twice."""
        mode = mode_of(self._message.context_of(candidate))
        is_counted = bool(candidate.item.amounts)
        if mode == "remove" and is_counted and self._message.is_set_to(candidate):
            return "set"
        if mode != "plain" or carried not in CARRIED:
            return mode
        return carried if carried != "remove" or not is_counted else mode

    def _change(self, candidate: Candidate, mode: Mode) -> None:
        item = candidate.item
        if item.amounts and not candidate.is_named and not self._counts(candidate, mode):
            return
        if item.words and candidate.is_named and not item.amounts and mode in {"plain", "set"}:
            self._name(candidate, mode)
            return
        if mode == "set" and item.amounts and MADE.search(self._message.context_of(candidate)):
            lines = self._replaced(candidate)
            if lines is not None:
                self._take(lines)
                return
        if mode == "add" and not item.amounts and self._is_ordered(candidate):
            return
        phrase = self._message.phrase_of(candidate)
        self.is_touched = self.is_touched or mode in {"remove", "set"}
        self._take(edited(self.lines, Edit(mode, candidate, phrase), self._catalogue))

    def _counts(self, candidate: Candidate, mode: Mode) -> bool:
        """Whether a number without a known product is one of goods."""
        if not candidate.is_bare:
            is_people = UNCOUNTABLE.intersection(candidate.item.words.lower().split())
            return mode != "plain" and not is_people
        is_clear = any(a.unit or a.value > SMALL for a in candidate.item.amounts)
        is_asked = any(x.problem in UNCOUNTED or not x.pieces for x in self.lines)
        return mode != "plain" or is_asked or (is_clear and len(self.lines) == 1)

    def _name(self, candidate: Candidate, mode: Mode) -> None:
        """A product without a number: an answer, another product, or one to ask the number of."""
        if self._take(resolved(self.lines, candidate.item.words, (), self._catalogue)):
            return
        if mode == "plain" or self._is_ordered(candidate):
            return
        lines = swapped(self.lines, candidate, self._catalogue)
        if lines is None and candidate.match.product:
            phrase = self._message.phrase_of(candidate)
            lines = edited(self.lines, Edit("add", candidate, phrase), self._catalogue)
        self._take(lines if lines is not None else self.lines)

    def _replaced(self, candidate: Candidate) -> Lines | None:
        """For "make it 300 of the 12 inch" where the order has another box."""
        if candidate.is_bare or self._is_ordered(candidate):
            return None
        return swapped(self.lines, candidate, self._catalogue)

    def _is_ordered(self, candidate: Candidate) -> bool:
        match = candidate.match
        codes = {p.code for p in (match.product, *match.alternatives) if p}
        return any(x.code in codes for x in self.lines)

    def _take(self, lines: Lines) -> bool:
        """Keep these lines; whether they are others than before."""
        is_change = lines != self.lines
        self.lines, self.is_touched = lines, self.is_touched or is_change
        return is_change
