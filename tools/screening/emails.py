"""Mail addresses, also those written out to escape notice."""

import re
from collections.abc import Iterator

from tools.screening.places import Found

AT = re.compile(
    r"(?:[\[({] ?)?@(?: ?[\])}])?|\s?[\[({] ?(?:at) ?[\])}]\s?|\s(?:at|AT)\s", re.IGNORECASE
)
DOMAIN = re.compile(
    r"\s?((?=[\w-]*[^\W\d])[\w-]{1,63}(?:\.[\w-]{1,63}){0,5}\.[A-Za-z]{2,24})(?![\w-])"
)
WRITTEN_DOMAIN = re.compile(
    r"\s?[\w-]{1,63}(?:\s?(?:[\[({]\s?(?:dot|\.)\s?[\])}]|\bdot\b|\.)\s?[A-Za-z][\w-]{0,62}){1,5}",
    re.IGNORECASE,
)
WRITTEN_DOT = re.compile(r"[\[({]|\bdot\b", re.IGNORECASE)
LOCAL_BACKWARDS = re.compile(
    r"\s?([\w.+%-]{1,64}(?:\s(?:\)?tod\(?)\s[\w.+%-]{1,64}){0,3})(?![\w.+%-])"
)
LONGEST = 64


def find_emails(text: str) -> Iterator[Found]:
    """Mail addresses: looked for from the `@` outwards, so that no text is slow."""
    for m in AT.finditer(text):
        domain = _domain(text, m)
        backwards = LOCAL_BACKWARDS.match(text[max(m.start() - LONGEST - 1, 0) : m.start()][::-1])
        if domain and backwards:
            local = backwards[1].rstrip(".")
            yield Found("email", m.start() - backwards.start(1) - len(local), domain)


def _domain(text: str, at: re.Match[str]) -> int | None:
    """Where the domain ends that follows; a plain `at` needs a written `dot`."""
    if ("@" in at[0] or at[0].strip()[0] in "[({") and (match := DOMAIN.match(text, at.end())):
        return match.end()
    match = WRITTEN_DOMAIN.match(text, at.end())
    return match.end() if match and WRITTEN_DOT.search(match[0]) else None
