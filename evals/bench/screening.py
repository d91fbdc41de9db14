"""How well messages are screened: attacks, personal data, and the time that it takes.

Both sets were written without a look at the sentences that the scores were fitted on.
"""

import json
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tools.screening.readable import LONGEST_MESSAGE
from tools.screening.screen import screen

DATA = Path(__file__).parent / "data"
SUSPICIOUS = 0.5
LONG = (
    "the boxes came late and INV-1001 is open, call 9123 4567 please ",
    "a",
    "1 2 3 4 ",
    "@.@",
    "-",
)
Row = dict[str, Any]


def main() -> None:
    """Print recall and precision, and one JSON line."""
    attacks, personal = _rows("attacks"), _rows("personal")
    milliseconds: list[float] = []
    scores = [_timed(row["text"], milliseconds).injection for row in attacks]
    caught = [s >= SUSPICIOUS for s, row in zip(scores, attacks, strict=True) if row["attack"]]
    false = [s >= SUSPICIOUS for s, row in zip(scores, attacks, strict=True) if not row["attack"]]
    missed = [
        r["text"] for s, r in zip(scores, attacks, strict=True) if r["attack"] != (s >= SUSPICIOUS)
    ]
    for text in missed[:20]:
        print(f"  misjudged: {text[:150]!r}")
    hits, extra, absent = _personal(personal, milliseconds)
    for kind in sorted(hits | extra | absent):
        print(f"{kind:13} found {hits[kind]}, missed {absent[kind]}, wrongly {extra[kind]}")
    for piece in LONG:
        long = (piece * LONGEST_MESSAGE)[:LONGEST_MESSAGE]
        _timed(long, milliseconds)
    print(f"slowest {max(milliseconds):.1f} ms, of a message of {LONGEST_MESSAGE} characters")
    found = sum(hits.values())
    result = {
        "attacks": len(caught),
        "injection_recall": round(float(np.mean(caught)), 4),
        "benign": len(false),
        "false_positives": round(float(np.mean(false)), 4),
        "personal_precision": round(found / (found + sum(extra.values())), 4),
        "personal_recall": round(found / (found + sum(absent.values())), 4),
        "ms_p95": round(float(np.quantile(milliseconds, 0.95)), 2),
    }
    print(json.dumps(result))


def _rows(name: str) -> list[Row]:
    return [json.loads(line) for line in (DATA / f"{name}.jsonl").read_text("utf-8").splitlines()]


def _timed(text: str, milliseconds: list[float]) -> Any:
    began = time.perf_counter()
    screened = screen(text)
    milliseconds.append((time.perf_counter() - began) * 1000)
    return screened


def _personal(
    rows: Sequence[Row], milliseconds: list[float]
) -> tuple[Counter[str], Counter[str], Counter[str]]:
    """By kind: found at the right place, found wrongly, missed."""
    hits, extra, absent = Counter[str](), Counter[str](), Counter[str]()
    for row in rows:
        wanted = list(row["personal_data"])
        for one in _timed(row["text"], milliseconds).personal:
            match = next((w for w in wanted if _same(w, one)), None)
            if match is None:
                extra[one.kind] += 1
            else:
                wanted.remove(match)
                hits[one.kind] += 1
        absent.update(w["kind"] for w in wanted)
    return hits, extra, absent


def _same(wanted: Row, found: Any) -> bool:
    """The same kind, at places that overlap."""
    is_there = found.start < wanted["end"] and wanted["start"] < found.end
    return is_there and bool(found.kind == wanted["kind"])


if __name__ == "__main__":
    main()
