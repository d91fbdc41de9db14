"""What a report carries in itself: data that no browser takes for markup, and its own policy."""

import gzip
import hashlib
import json
from base64 import b64encode
from collections.abc import Iterable
from typing import Any

POLICY = (
    "default-src 'none'; img-src data:; script-src {scripts}; style-src {styles};"
    " base-uri 'none'; form-action 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
)


def packed(value: Any) -> str:
    """A value as compressed JSON in letters and digits, for the page to open when it is needed."""
    return b64encode(gzip.compress(json.dumps(value).encode(), 6, mtime=0)).decode()


def policy(scripts: Iterable[str], styles: Iterable[str]) -> str:
    """The content policy of a page that holds just these texts, and reaches nothing."""
    return POLICY.format(scripts=_hashes(scripts), styles=_hashes(styles))


def _hashes(texts: Iterable[str]) -> str:
    return " ".join(
        f"'sha256-{b64encode(hashlib.sha256(t.encode()).digest()).decode()}'" for t in texts
    )
