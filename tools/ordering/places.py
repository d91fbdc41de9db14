"""Which outlets a written order names, and where in the text."""

import re
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass

from rapidfuzz.distance import OSA

from tools.ordering.labels import POSTAL, address_in
from tools.ordering.types import Outlet
from tools.ordering.words import AREAS, FILLER

NAMED = re.compile(r"\b([a-z]{3,})\s+(?:outlet|branch)\b", re.IGNORECASE)
NOT_A_NAME = FILLER | {
    *("each", "every", "both", "other", "which", "main", "first", "second", "two", "three", "same"),
    *("for", "and", "from", "with", "change", "new", "usual", "different", "another", "deliver"),
}
AREA = re.compile(rf"\b(?:{'|'.join(map(re.escape, AREAS))})\b")
TYPO_LENGTH = 6


@dataclass(frozen=True)
class Mention:
    """A stretch of text and the outlets it can mean; none when the place is not the customer's."""

    start: int
    end: int
    outlets: tuple[Outlet, ...]


def mentions_in(text: str, outlets: Sequence[Outlet], goods: Set[str]) -> list[Mention]:
    """The places a text in English words names, in order; each as exactly as possible."""
    lowered = text.lower()
    exact = _longest([*_exact(lowered, outlets)])
    parts = [m for m in _in_part(lowered, outlets, goods) if not _overlaps(m, exact)]
    own = [*exact, *parts]
    others = [m for m in _of_others(lowered, outlets) if not _overlaps(m, own)]
    return _narrowed(sorted([*own, *others], key=lambda m: m.start), lowered)


def words_of(outlets: Sequence[Outlet]) -> frozenset[str]:
    """The lower-case words of the outlets' names and areas."""
    words = re.findall(r"[^\W\d_]{3,}", " ".join(f"{o.name} {o.area}" for o in outlets).lower())
    return frozenset(words) - {"outlet", "branch"}


def without_places(text: str, outlets: Sequence[Outlet]) -> str:
    """The text with spaces for the outlets' names, or their last words: one may be "Sun Plaza"."""
    names = [o.name.split() for o in outlets]
    tails = [" ".join(name[i:]) for name in names for i in range(max(1, len(name) - 1))]
    patterns = "|".join(map(re.escape, filter(None, tails)))
    if not patterns:
        return text
    return re.sub(patterns, _blank, text, flags=re.IGNORECASE)


def without_names(text: str, outlets: Sequence[Outlet]) -> str:
    """The text with spaces for the customer's own names and addresses: one may sell "Bento"."""
    own = {n for o in outlets for n in (o.name, o.address, _street(o), _brand(o)) if n}
    spans = "|".join(map(re.escape, sorted(own, key=len, reverse=True)))
    if not spans:
        return text
    return re.sub(rf"\b(?:{spans})(?!\w)", _blank, text, flags=re.IGNORECASE)


def _street(outlet: Outlet) -> str:
    return outlet.address.split(",")[0]


def _brand(outlet: Outlet) -> str:
    """The name without its part of town; a single word may be one of the goods."""
    brand = outlet.name.lower().removesuffix(outlet.area.lower()).strip()
    return brand if brand != outlet.name.lower() and len(brand.split()) > 1 else ""


def _blank(match: re.Match[str]) -> str:
    return " " * len(match[0])


def names_a_place(text: str, labels: Mapping[str, str]) -> bool:
    """Whether the text says where to deliver, be it an outlet we know or not."""
    return bool(address_in(text, labels) or labels.get("outlet") or POSTAL.search(text))


def _exact(text: str, outlets: Sequence[Outlet]) -> Iterator[Mention]:
    """Names, whole addresses, streets with their number, and postal codes."""
    for outlet in outlets:
        for name in {outlet.name, outlet.address, outlet.address.split(",")[0]} - {""}:
            for m in re.finditer(rf"\b{re.escape(name.lower())}(?!\w)", text):
                yield Mention(*m.span(), (outlet,))
        for m in POSTAL.finditer(text):
            if m[1] == outlet.postal_code:
                yield Mention(*m.span(), (outlet,))


def _longest(mentions: Sequence[Mention]) -> list[Mention]:
    """Without those inside a longer one; outlets that share a stretch go together."""
    spans = {(m.start, m.end) for m in mentions}
    outer = [s for s in spans if not any(o != s and o[0] <= s[0] and s[1] <= o[1] for o in spans)]
    return [
        Mention(*s, tuple(m.outlets[0] for m in mentions if (m.start, m.end) == s)) for s in outer
    ]


def _in_part(text: str, outlets: Sequence[Outlet], goods: Set[str]) -> Iterator[Mention]:
    """Runs of the words that tell the outlets apart, each with the outlets that share most."""
    own = {o: words_of([o]) for o in outlets}
    shared = frozenset.intersection(*own.values()) if len(own) > 1 else frozenset()
    telling = {o: known - shared - goods - FILLER for o, known in own.items()}
    known = frozenset[str]().union(*telling.values()) if telling else frozenset()
    run: list[re.Match[str]] = []
    for m in [*re.finditer(r"[^\W\d_]+", text), None]:
        is_known = m is not None and _nearest(m[0], known) in known
        is_next = is_known and m is not None and run and not text[run[-1].end() : m.start()].strip()
        if run and not is_next:
            words = {_nearest(w[0], known) for w in run}
            yield Mention(run[0].start(), run[-1].end(), _best(words, telling))
            run = []
        if is_known and m is not None:
            run.append(m)


def _best(words: Set[str], telling: Mapping[Outlet, Set[str]]) -> tuple[Outlet, ...]:
    scores = {o: len(known & words) for o, known in telling.items()}
    best = max(scores.values())
    return tuple(o for o, score in scores.items() if score == best)


def _nearest(word: str, known: Set[str]) -> str:
    """The known word that this one is, or is one letter from."""
    if word in known or len(word) < TYPO_LENGTH:
        return word
    near = [k for k in known if k[0] == word[0] and OSA.distance(k, word, score_cutoff=1) <= 1]
    return near[0] if len(near) == 1 and len(near[0]) >= TYPO_LENGTH else word


def _of_others(text: str, outlets: Sequence[Outlet]) -> Iterator[Mention]:
    """Places that are none of the customer's: parts of Singapore, and "the X outlet"."""
    own = " ".join(f"{o.name} {o.area} {o.address}" for o in outlets).lower()
    for m in AREA.finditer(text):
        if m[0] not in own:
            yield Mention(*m.span(), ())
    for m in NAMED.finditer(text):
        if m[1] not in NOT_A_NAME and m[1] not in own:
            yield Mention(*m.span(), ())


def _overlaps(mention: Mention, others: Sequence[Mention]) -> bool:
    return any(mention.start < o.end and o.start < mention.end for o in others)


def _narrowed(mentions: Sequence[Mention], text: str) -> list[Mention]:
    """A vague mention made exact by one that says the rest: "Tampines, the east one"."""
    sure = [m for m in mentions if len(m.outlets) == 1]
    return [_completed(m, sure, text) for m in mentions]


def _completed(mention: Mention, sure: Sequence[Mention], text: str) -> Mention:
    if len(mention.outlets) < 2:
        return mention
    words = set(text[mention.start : mention.end].split())
    said = {
        m.outlets[0]
        for m in sure
        if m.outlets[0] in mention.outlets
        and (_is_exact(m, text) or not words & set(text[m.start : m.end].split()))
    }
    return Mention(mention.start, mention.end, tuple(said)) if len(said) == 1 else mention


def _is_exact(mention: Mention, text: str) -> bool:
    """Whether a mention is an address: what stands beside it is only another name of it."""
    return any(c.isdigit() for c in text[mention.start : mention.end])
