"""Typesets a template with its values. Every text goes in as data, never as markup."""

import json
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, time
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

import typst

from tools.documents.letters import font_folders, printable
from tools.rules import load_rules

TEMPLATES = Path(str(resources.files("tools.documents"))) / "templates"

# One thread sets every document: between several, Typst's cache grows without end.
_PRESS = ThreadPoolExecutor(max_workers=1, thread_name_prefix="documents")


def print_pdf(template: str, values: Mapping[str, Any], made_on: date) -> bytes:
    """A PDF from `templates/<template>.typ`, with the company's name and address above it.

    The same values give the same bytes: `made_on` is the date that the file bears.
    """
    company = load_rules().company
    sender = {"name": company.legal_name, "address": company.address, "email": company.email}
    data = _printable({"company": sender, **values})
    return _PRESS.submit(_typeset, template, json.dumps(data), made_on).result()


def day_text(day: date) -> str:
    """A date as documents write it; with the time of day where there is one."""
    clock = f", {day:%H:%M}" if isinstance(day, datetime) else ""
    return f"{day:%a %-d %b %Y}{clock}"


def _typeset(template: str, data: str, made_on: date) -> bytes:
    return typst.compile(
        TEMPLATES / f"{template}.typ",
        root=TEMPLATES,
        font_paths=_fonts(),
        ignore_system_fonts=True,
        sys_inputs={"data": data},
        timestamp=datetime.combine(made_on, time(), UTC),
    )


@cache
def _fonts() -> typst.Fonts:
    folders = list(font_folders())
    return typst.Fonts(include_system_fonts=False, include_embedded_fonts=False, font_paths=folders)


def _printable(value: Any) -> Any:
    if isinstance(value, str):
        return printable(value)
    if isinstance(value, Mapping):
        return {key: _printable(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_printable(inner) for inner in value]
    return value
