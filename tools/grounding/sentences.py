"""Cuts a stream of text into whole sentences."""

import re

ABBREVIATION = re.compile(
    r"(?:\b(?:e\.g|i\.e|no|nos|st|mr|ms|mrs|dr|approx|inv|qty|max|min|incl|excl|est|vs|etc|pte|ltd|co"
    r"|bhd|sdn|cik|en|pn|blk|ave|rd|tel|ref|fig|a\.m|p\.m)"
    r"|(?<![A-Za-z\d])[a-z]|^\s*\d{1,3})\.$",
    re.IGNORECASE,
)
# A closing mark, also in quotes or brackets, and white space; Chinese needs no space; each line.
BOUNDARY = re.compile(
    "(?<=[.!?\u0964])[\"')\u201d\u2019]*\\s+(?=\\S)|(?<=[。！？])[”’」』）]*(?=[^。！？”’」』）])|\\n+"
)


class SentenceGate:
    """Cuts a stream into whole sentences, each with the white space that follows it."""

    def __init__(self) -> None:
        self._rest = ""

    def feed(self, piece: str) -> list[str]:
        """Add a piece of the stream and return the sentences that are complete now."""
        self._rest += piece
        sentences: list[str] = []
        start = 0
        for match in BOUNDARY.finditer(self._rest):
            if "\n" not in match[0] and ABBREVIATION.search(self._rest[start : match.start()]):
                continue
            sentences.append(self._rest[start : match.end()])
            start = match.end()
        self._rest = self._rest[start:]
        return sentences

    def flush(self) -> list[str]:
        """What is left when the stream has ended."""
        rest, self._rest = self._rest, ""
        return [rest] if rest.strip() else []


def sentences_of(text: str) -> list[str]:
    """The sentences of a whole text."""
    gate = SentenceGate()
    return [*gate.feed(text), *gate.flush()]
