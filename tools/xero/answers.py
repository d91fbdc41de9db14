"""What an answer of Xero means: usable or not, why it was refused, and what to call the problem."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from tools.xero.documents import loads

Problem = Literal[
    "not_sent",
    "answer_lost",
    "rejected",
    "unauthorised",
    "forbidden",
    "not_found",
    "limit_concurrent",
    "limit_minute",
    "limit_day",
    "failed",
    "unusable",
]
STATUS: Mapping[int, Problem] = {401: "unauthorised", 403: "forbidden", 404: "not_found"}


@dataclass(frozen=True)
class Answer:
    """An answer that arrived whole. Header names are found in any case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def media_type(self) -> str:
        return self.headers.get("Content-Type", "").partition(";")[0].strip().lower()


def problem_of(answer: Answer, wanted: str) -> Problem | None:
    """Why the answer is not what was asked for; None when it is. `wanted` is a media type."""
    if answer.status == 429:
        return _limit(answer)
    if answer.status >= 500:
        return "failed"
    if answer.status >= 400:
        return STATUS.get(answer.status, "rejected")
    if answer.status == 204:
        return None
    is_json = answer.media_type.endswith("json")
    fits = is_json if wanted.endswith("json") else answer.media_type == wanted
    return None if answer.status == 200 and fits else "unusable"


def parsed(answer: Answer) -> dict[str, Any]:
    """The JSON object of an answer, {} for an empty 204; raises ValueError for anything else."""
    if answer.status == 204:
        return {}
    found = loads(answer.body)
    if not isinstance(found, dict):
        raise ValueError("an answer that is no object")
    return found


def has_errors(document: Mapping[str, Any]) -> bool:
    """Whether a 200 holds documents that were refused, as it does with summarizeErrors=false."""
    marked = any(
        isinstance(element, dict)
        and (element.get("HasErrors") is True or element.get("StatusAttributeString") == "ERROR")
        for elements in document.values()
        if isinstance(elements, list)
        for element in elements
    )
    return marked or next(_texts(document, "ValidationErrors"), None) is not None


def messages(body: bytes) -> tuple[str, ...]:
    """Every reason in a refusal, those of lines too: errors first, then warnings."""
    try:
        document = json.loads(body)
    except ValueError:
        return ()
    found = [*_texts(document, "ValidationErrors"), *_texts(document, "Warnings")]
    if not found and isinstance(document, dict):
        told = (document.get(name) for name in ("Message", "Detail", "Title"))
        found = [next((text for text in told if isinstance(text, str)), "")]
    return tuple(dict.fromkeys(text for text in found if text))


def _texts(node: Any, name: str) -> Iterator[str]:
    """The messages under this name, wherever they stand, in the order of the document."""
    if isinstance(node, list):
        for part in node:
            yield from _texts(part, name)
    if not isinstance(node, dict):
        return
    for key, part in node.items():
        if key != name:
            yield from _texts(part, name)
        elif isinstance(part, list):
            yield from (str(e.get("Message", "")) for e in part if isinstance(e, dict))


def _limit(answer: Answer) -> Problem:
    match answer.headers.get("X-Rate-Limit-Problem", "").lower():
        case "day":
            return "limit_day"
        case "concurrent":
            return "limit_concurrent"
        case _:
            return "limit_minute"
