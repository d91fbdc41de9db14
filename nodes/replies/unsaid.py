"""What of a reply is still to be said when its beginning came from somewhere else."""

import re
from collections.abc import Iterator, Sequence

from tools.grounding.claims import claims

# A sentence that shares this much of its words with what was said would only repeat it.
SAME = 0.5


def unsaid(sentences: Sequence[str], said: str) -> Iterator[str]:
    """The sentences whose figures, or else whose words, have not been said yet."""
    if not said.strip():
        yield from sentences
        return
    figures = {(c.kind, c.value) for c in claims(said)}
    words = _words(said)
    if not said.endswith(("\n", " ")):
        yield "\n"
    for sentence in sentences:
        own = {(c.kind, c.value) for c in claims(sentence)}
        spoken = _words(sentence)
        repeats = own <= figures if own else len(spoken & words) >= SAME * max(1, len(spoken))
        if not repeats:
            yield sentence


def _words(text: str) -> set[str]:
    return set(re.findall(r"[a-z]{3,}|[\u4e00-\u9fff]|[\u0b80-\u0bff]{2,}", text.lower()))
