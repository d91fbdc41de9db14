"""Changes to an order that is being put together, and the answers to what we asked about it."""

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from tools.ordering.catalogue import Catalogue
from tools.ordering.cues import (
    AGREES,
    CARRIED,
    EACH,
    INTO,
    MADE,
    MORE,
    OVER,
    REMOVE,
    ROUND_DOWN,
    SWAP,
    TURNED_DOWN,
    Mode,
    can_move,
    is_talk,
    mode_of,
    scale_of,
)
from tools.ordering.edits import (
    UNCOUNTED,
    Edit,
    Lines,
    accepted,
    counted_all,
    counted_in_turn,
    edited,
    resolved,
    scaled,
    swapped,
    without_unknown,
)
from tools.ordering.finishes import asked_for, finished
from tools.ordering.lines import SMALL, Candidate, line_of
from tools.ordering.message import Message, read_message
from tools.ordering.moves import addressed, moved, timed
from tools.ordering.records import dump as dump
from tools.ordering.records import from_lines as from_lines
from tools.ordering.records import load as load
from tools.ordering.records import split as split
from tools.ordering.signs import TITLE
from tools.ordering.signs import asks_repeat as asks_repeat
from tools.ordering.tables import without_tables
from tools.ordering.text import in_english, plain
from tools.ordering.types import OrderRequest, Outlet
from tools.ordering.words import UNCOUNTABLE


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
    if goods.is_touched or can_move(written.text):
        amended = moved(amended, message, outlets, before=request.lines)
        amended = timed(amended, message, before=request.lines)
        amended = addressed(amended, written)
    is_placed = bool(message.mentions or message.days) and can_move(written.text)
    return amended if goods.is_touched or is_placed or amended != request else None


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
        before = self.lines
        self._change_all()
        self._take(self._in_finishes(before))
        return self.lines

    def _in_finishes(self, before: Lines) -> Lines:
        """The lines in the finish that is named: those of its goods, or all of them."""
        lines = self.lines
        found = [c for c in self._message.candidates if c.finish]
        for candidate in found:
            own = [x for x in lines if x.code in candidate.codes]
            changed = [x for x in own if x not in before] or own
            fresh = iter(finished(changed, candidate.finish, self._catalogue))
            lines = tuple(next(fresh) if x in changed else x for x in lines)
        if not self._message.candidates and (finish := asked_for(self._message.text)):
            lines = tuple(finished(lines, finish, self._catalogue))
        return lines

    def _change_all(self) -> None:
        """Everything that the message says of goods and numbers."""
        self._drop_unknown()
        if self._is_answer() or self._is_list() or self._is_scaled():
            return
        carried: Mode = "plain"
        waiting = list(self._message.candidates)
        while waiting:
            candidate = waiting.pop(0)
            if waiting and self._is_swap(candidate, waiting[0]):
                waiting.pop(0)
                continue
            carried = self._mode(candidate, carried)
            self._change(candidate, carried)

    def _drop_unknown(self) -> None:
        """Drop goods that no product is called by: "forget the sushi boats"."""
        if REMOVE.search(self._message.text):
            words = set(re.findall(r"[^\W\d_]+", self._message.text.lower()))
            self._take(without_unknown(self.lines, words))

    def _is_list(self) -> bool:
        """Whether the message is a number for each line that waits, or one for all of them."""
        found = self._message.candidates
        if not found or not all(c.is_bare for c in found):
            return False
        amounts = [c.item.amounts for c in found]
        lines = counted_in_turn(self.lines, amounts, self._catalogue)
        if lines is None and len(found) == 1 and EACH.search(self._message.text):
            lines = counted_all(self.lines, amounts[0], self._catalogue)
        return lines is not None and self._take(lines)

    def _is_scaled(self) -> bool:
        """Whether the message asks for half or twice as much: "actually half of it"."""
        found, factor = self._message.candidates, scale_of(self._message.text)
        if factor is None or self._message.mentions or any(c.item.amounts for c in found):
            return False
        codes = frozenset[str]().union(*(c.codes for c in found))
        return self._take(scaled(self.lines, factor, codes, self._catalogue))

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
        """Whether one product takes the place of another: "change A to B", "A instead of B"."""
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
        if mode == "plain" and candidate is self._message.candidates[0]:
            mode = "add" if MORE.search(self._message.text) else mode
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
        if item.amounts and mode in {"plain", "set"} and self._is_settled(candidate, mode):
            return
        if mode == "add" and not item.amounts and self._is_ordered(candidate):
            self._take((*self.lines, *self._asked_again(candidate)))
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

    def _is_settled(self, candidate: Candidate, mode: Mode) -> bool:
        """An open product with its number, or "make it 300 of the 12 inch" for other boxes."""
        if candidate.is_bare or self._is_ordered(candidate):
            return False
        item = candidate.item
        if self._take(resolved(self.lines, item.words, item.amounts, self._catalogue)):
            return True
        if mode == "plain" or not MADE.search(self._message.context_of(candidate)):
            return False
        lines = swapped(self.lines, candidate, self._catalogue)
        return lines is not None and self._take(lines)

    def _asked_again(self, candidate: Candidate) -> Lines:
        """A line that asks how many more, unless the message only says where or when."""
        message = self._message
        places = [*(m.start for m in message.mentions), *(d[0] for d in message.days)]
        here = message.clause(candidate.item.start)
        line = line_of(candidate)
        return () if line is None or any(message.clause(p) == here for p in places) else (line,)

    def _is_ordered(self, candidate: Candidate) -> bool:
        return any(x.code in candidate.codes for x in self.lines)

    def _take(self, lines: Lines) -> bool:
        """Keep these lines; whether they are others than before."""
        is_change = lines != self.lines
        self.lines, self.is_touched = lines, self.is_touched or is_change
        return is_change
