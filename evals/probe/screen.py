"""Screening of one message: attacks and personal data."""

from collections.abc import Mapping
from typing import Any

from tools.screening.screen import screen


def screen_row(row: Mapping[str, Any]) -> dict[str, Any]:
    """`{"text"}` to `{"injection": 0..1, "personal_data": [{"kind", "start", "end"}], "text"}`.

    The places are those in the given text; `text` is what a model would see.
    """
    screened = screen(str(row["text"]))
    return {
        "injection": screened.injection,
        "personal_data": [
            {"kind": one.kind, "start": one.start, "end": one.end} for one in screened.personal
        ],
        "text": screened.masked,
    }
