"""What stands in an order beside its wishes: earlier goods, goods in stock, goods turned down."""

import itertools
import re

# "I" and "we" did something, or had something, some time ago.
EARLIER = re.compile(
    r"\b(?:(?:the\s+)?(?:last|previous|prior|past)\s+(?:time|month|week|order|year|round|delivery"
    r"|one|few\s+\w+)|yesterday|previously|the\s+other\s+day)\b",
    re.IGNORECASE,
)
PAST = re.compile(
    r"\b(?:had|took|ordered|got|bought|used|received|was|were|went|sold|finished|came|ran|wasted"
    r"|threw|did)\b",
    re.IGNORECASE,
)
WE_DID = re.compile(
    r"\b(?:we|i|they)(?:'ve)?\s+(?:only\s+|just\s+|already\s+)?"
    r"(?:had|took|bought|used|sold|finished|went\s+through|wasted|threw)\b",
    re.IGNORECASE,
)
WISH = re.compile(
    r"\b(?:need|want|wan|send|give|deliver|pls|plz|please|order|again|can|could|may|let|get|add"
    r"|like|as|same|usual|repeat|nak|hope|instead)\b",
    re.IGNORECASE,
)
LEFT = re.compile(
    r"(?<!\byou\s)\bstill\s+(?:have|has|got|hv|left\s+with)\b[^,.;!?\n]*"
    r"|(?<!\bcan\s)(?<!\bcould\s)(?<!\bmay\s)\b(?:we|i|there(?:'s|\s+is|\s+are)|shop|store)\s+"
    r"(?:(?:only|just|about|now|currently)\s+)*(?:have|has|got)?\b[^,.;!?\n]{1,40}?"
    r"\b(?:left|remaining|on\s+hand|in\s+(?:the\s+)?(?:store|storeroom|freezer)|over)\b"
    r"|\b(?:about|around|only|just)?\s*[0-9][0-9,]*\s*"
    r"(?:pcs|pieces|bundles?|cartons?|ctns?|packs?)?\s+(?:left|remaining|on\s+hand)\b"
    r"|\b(?:stock|balance)(?:\s+(?:left|now|is|at))*\s*[:=]?\s*[0-9][0-9,]*\b",
    re.IGNORECASE,
)
PART = re.compile(
    r"[,.!?;]+(?=\s|$)|\n|\b(?:but|however|whereas)\b|\bso\s+(?=please|pls|can|could|this|we)"
    r"|\bthis\s+time\b|\bbecause\b",
    re.IGNORECASE,
)
# A part that begins like this and names none of our goods tells of the customer's own.
OF_OURS = re.compile(
    r"(?:^|(?<=[.!?\n;]))\s*(?:also\s+|and\s+|as\s+|since\s+|because\s+|fyi\s+|note\s+|ps\W+)*"
    r"(?:we|i|our\s+\w+|the\s+(?:shop|store|outlet|kitchen|place)|there)(?:'re|'s|\s+(?:have|has|are"
    r"|is|feed|feeds|serve|serves|own|run|runs|employ|seat|seats|host|close|closes|open|opens"
    r"|expect))\b(?!\s+(?:an?\s+)?(?:order|request|need|want))[^.!?;\n]*$",
    re.IGNORECASE,
)
DECLINED_AFTER = re.compile(
    r"(?:\b(?:no(?!\s+(?:problem|rush|hurry|wait|worr|change|later|more|stock|\W))"
    r"|(?:no|not?)\s+need(?:ed)?|skip(?:ping)?|without|exclud(?:e|ing)|leave\s+out|except(?:\s+for)?"
    r"|hold\s+the|hold\s+off|minus|drop|nix|don'?t\s+bother\s+with"
    r"|(?:don'?t|do\s+not|dun|does\s*n'?t|won'?t|wont|not|never)\s+"
    r"(?:want|wan|need|needed|send|require|required|include|add|put|deliver|order|ordering|taking"
    r"|forget))\b)",
    re.IGNORECASE,
)
DECLINED_BEFORE = re.compile(
    r"[^\w\n]{0,8}(?:(?:is|are|we|i|all|can|one|ones)\s+)*(?:(?:no|not?)\s+need(?:ed)?|not\s+"
    r"(?:required|necessary|wanted|this\s+time|this\s+week|today|now|for\s+now)"
    r"|(?:don'?t|do\s+not|dun|no)\s+(?:want|need|require)|nil\b|none\b|skip\b|enough\b"
    r"|(?:still|already)\s+(?:got|have|enough)|later|next\s+time)"
    r"(?=\W*(?:$|[,.;!\n)]|this|already|la\b|lah\b|liao|anymore|any\s+more|for|thanks|pls|now"
    r"|today|stock|enough|them|it\b|yet))",
    re.IGNORECASE,
)
# With one of these between, what follows is wished for again.
WANTED = re.compile(
    r"\b(?:pls|please|also|add|just|only|instead|yes|send|give|want)\b", re.IGNORECASE
)
THIS_TIME = re.compile(r"\b(?:this|next)\s+(?:time|round|week|month|order)\b", re.IGNORECASE)
BREAK = re.compile(r"[.!?;\n]+(?=\s|$)|\n|\bbut\b", re.IGNORECASE)
RESTATED = re.compile(
    r"\b(?:total(?:ling)?|totals?|altogether|in\s+all|the\s+full|the\s+whole|all|sum)\b",
    re.IGNORECASE,
)


def without_asides(text: str) -> str:
    """The text with spaces for what was had, used or left: "we took 500 last month"."""
    blanked = THIS_TIME.sub(_blank, LEFT.sub(_blank, text))
    places = [0, *(m.start() for m in PART.finditer(blanked)), len(blanked)]
    parts = [blanked[a:b] for a, b in itertools.pairwise(places)]
    return "".join(" " * len(p) if _is_past(p) else p for p in parts)


def is_declined(text: str, start: int, end: int, since: int) -> bool:
    """Whether goods without a number are not wanted; `since` is where the goods before end."""
    begins = [m.end() for m in BREAK.finditer(text, since, start)]
    said = text[begins[-1] if begins else since : end]
    cue = DECLINED_AFTER.search(said)
    is_list = cue is not None and not WANTED.search(said, cue.end())
    return is_list or DECLINED_BEFORE.match(text, end) is not None


def is_of_ours(text: str, place: int) -> bool:
    """Whether a number at that place counts the customer's own: "we have 14 staff"."""
    return OF_OURS.search(text[:place]) is not None


def is_restated(text: str, start: int, end: int) -> bool:
    """Whether a number is called a total."""
    line = max(text.rfind(c, 0, start) for c in "\n.;,") + 1
    return RESTATED.search(text[line:start] + text[end : end + 12].split("\n")[0]) is not None


def _is_past(part: str) -> bool:
    is_earlier = EARLIER.search(part) is not None and PAST.search(part) is not None
    if not is_earlier and not WE_DID.search(part):
        return False
    return WISH.search(EARLIER.sub(" ", part)) is None


def _blank(match: re.Match[str]) -> str:
    return " " * len(match[0])
