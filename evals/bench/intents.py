"""How well the local classifier understands messages that it was not fitted on.

Three sets, each written without a look at the training utterances: our customers' messages,
customer-service wording of other trades, and messages about something else altogether.
"""

import asyncio
import json
import sys
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from graph.settings import environment
from tools.embedded.minilm import build_minilm
from tools.search.embedder import Embedder
from tools.understanding.intents import OUTSIDE, SURE, IntentClassifier, Scored, load_weights

DATA = Path(__file__).parent / "data"
LANGUAGES = ("en", "zh", "ms", "ta")
Row = dict[str, Any]


async def main() -> None:
    """Print accuracy by set, language and intent, the confusions, and one JSON line."""
    folder = Path(environment().get("TRIA_DATA", ".tria")) / "minilm"
    classifier = IntentClassifier(Embedder(build_minilm(folder)), load_weights())
    own, foreign, outside = (_rows(n) for n in ("intents", "intents_foreign", "intents_outside"))
    await classifier.classify("warm up")
    milliseconds: list[float] = []
    found = [await _classified(classifier, rows, milliseconds) for rows in (own, foreign, outside)]
    _print_languages(own, found[0])
    _print_intents([*own, *foreign], [*found[0], *found[1]])
    print(f"several intents at once: {_complete(own, found[0]):.3f} of the messages complete")
    print(f"foreign wording: {_accuracy(foreign, found[1]):.3f} of {len(foreign)}")
    lost = [_is_refused(f) for f in [*found[0], *found[1]]]
    unsure = [f[0].confidence < SURE for f in found[0]]
    result = {
        "n": len(own),
        "accuracy": round(_accuracy(own, found[0]), 4),
        "foreign_n": len(foreign),
        "foreign_accuracy": round(_accuracy(foreign, found[1]), 4),
        "oos_n": len(outside),
        "oos_recall": round(float(np.mean([_is_refused(f) for f in found[2]])), 4),
        "in_scope_loss": round(float(np.mean(lost[: len(own)])), 4),
        "foreign_in_scope_loss": round(float(np.mean(lost[len(own) :])), 4),
        "model_share": round(float(np.mean(unsure)), 4),
        "sure_accuracy": round(_accuracy(own, found[0], only_sure=True), 4),
        "ms_p95": round(float(np.quantile(milliseconds, 0.95)), 2),
    }
    print(json.dumps(result))


def _rows(name: str) -> list[Row]:
    return [json.loads(line) for line in (DATA / f"{name}.jsonl").read_text("utf-8").splitlines()]


async def _classified(
    classifier: IntentClassifier, rows: Sequence[Row], milliseconds: list[float]
) -> list[list[Scored]]:
    found = []
    for row in rows:
        began = time.perf_counter()
        found.append(await classifier.classify(row["text"]))
        milliseconds.append((time.perf_counter() - began) * 1000)
    return found


def _is_refused(found: Sequence[Scored]) -> bool:
    return found[0].intent == OUTSIDE


def _accuracy(
    rows: Sequence[Row], found: Sequence[Sequence[Scored]], *, only_sure: bool = False
) -> float:
    """The share of messages whose most confident intent is one of the right ones."""
    hits = [
        f[0].intent in row["intents"]
        for row, f in zip(rows, found, strict=True)
        if not only_sure or f[0].confidence >= SURE
    ]
    return float(np.mean(hits))


def _complete(rows: Sequence[Row], found: Sequence[Sequence[Scored]]) -> float:
    """Of the messages with several intents, the share in which all of them were found."""
    pairs = [(r, f) for r, f in zip(rows, found, strict=True) if len(r["intents"]) > 1]
    return float(np.mean([set(r["intents"]) <= {s.intent for s in f} for r, f in pairs]))


def _print_languages(rows: Sequence[Row], found: Sequence[Sequence[Scored]]) -> None:
    for language in LANGUAGES:
        chosen = [(r, f) for r, f in zip(rows, found, strict=True) if r["language"] == language]
        accuracy = _accuracy([r for r, _ in chosen], [f for _, f in chosen])
        print(f"{language}: {accuracy:.3f} of {len(chosen)}")


def _print_intents(rows: Sequence[Row], found: Sequence[Sequence[Scored]]) -> None:
    """Recall by intent, and the confusion matrix as its entries off the diagonal."""
    asked, hit = Counter[str](), Counter[str]()
    confused = Counter[tuple[str, str]]()
    for row, scored in zip(rows, found, strict=True):
        truth, guess = row["intents"], scored[0].intent
        asked[truth[0]] += 1
        hit[truth[0]] += guess in truth
        if guess not in truth:
            confused[truth[0], guess] += 1
            if "-v" in sys.argv:
                print(f"  {truth} as {guess} ({scored[0].confidence}): {row['text']!r}")
    for intent, n in sorted(asked.items()):
        wrong = ", ".join(f"{g} {c}" for (t, g), c in confused.most_common() if t == intent)
        print(f"{intent:15} {hit[intent] / n:.2f} of {n:3}  {wrong and 'taken for: ' + wrong}")


if __name__ == "__main__":
    asyncio.run(main())
