"""What stands in a message: tricks undone, personal data, language, attacks."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from tools.screening.folding import fold_signs
from tools.screening.injection import score_injection
from tools.screening.language import Language, language_of
from tools.screening.personal import PersonalData, find_personal, mask
from tools.screening.readable import read


@dataclass(frozen=True)
class Screened:
    """A message made readable. `masked` is the text with tokens for personal data.

    The places of personal data are those in the message as it was given; where a sign was folded
    into several or composed of several they may be off by these. `language` is None where nothing
    shows one.
    """

    text: str
    masked: str
    personal: tuple[PersonalData, ...]
    language: Language | None
    injection: float


def screen(given: str) -> Screened:
    """Undo Unicode tricks, mask personal data, detect the language and score an attack (0 to 1)."""
    seen = read(given)
    folded = fold_signs(seen.text)
    masked, personal = mask(seen.text, find_personal(folded))
    return Screened(
        text=seen.text.strip(),
        masked=masked.strip(),
        personal=tuple(_as_given(one, seen.origins) for one in personal),
        language=language_of(seen.text),
        injection=score_injection(folded, seen.hidden),
    )


@lru_cache(maxsize=2048)  # every turn of a conversation asks for its last messages again
def masked(given: str) -> str:
    """The text readable and with tokens, where nothing else about it is asked."""
    text = read(given).text
    return mask(text, find_personal(fold_signs(text)))[0].strip()


def _as_given(one: PersonalData, origins: Sequence[int]) -> PersonalData:
    return replace(one, start=origins[one.start], end=origins[one.end - 1] + 1)
