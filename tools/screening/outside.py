"""Strings that come back from other systems are data: cleaned, short, and never instructions."""

import html
import re

from tools.screening.folding import fold_signs
from tools.screening.injection import score_injection
from tools.screening.readable import read

LONGEST_FIELD = 500
# Stricter than for customers: nobody writes to the assistant in a line of an invoice.
SUSPICIOUS = 0.4
REMOVED = "[removed]"

MARKUP = re.compile(r"<!--[\s\S]{0,2000}?(?:-->|\Z)|</?[A-Za-z!][^<>]{0,300}>")
MARKDOWN_LINK = re.compile(r"!?\[([^\[\]\n]{0,200})\]\s?(?:\([^()\n]{0,300}\)|\[[^\[\]\n]{0,60}\])")
URL = re.compile(r"\b(?:https?|ftp|data|javascript):\S{1,500}|\bwww\.\S{1,300}", re.IGNORECASE)
SPACES = re.compile(r"\s+")


def scan_data(text: str) -> str:
    """A field fit to be shown to a model: no markup, no links, no orders to the assistant."""
    seen = read(text)
    if score_injection(fold_signs(seen.text), seen.hidden) >= SUSPICIOUS:
        return REMOVED
    bare = MARKDOWN_LINK.sub(r"\1", MARKUP.sub(" ", html.unescape(seen.text)))
    return SPACES.sub(" ", URL.sub("", bare)).strip()[:LONGEST_FIELD]
