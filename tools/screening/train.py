"""Learns the weights of attacks: `python -m tools.screening.train`, after a change of its data."""

import json
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tools.screening.disguise import views
from tools.screening.ngrams import SIZE, counts
from tools.screening.readable import read
from tools.screening.rules import NAMES, hits
from tools.screening.tokens import tokens_of

FOLDER = Path(__file__).parent
ROUNDS = 1500
RATE = 0.5
KEPT_SMALL = {"rules": 2e-4, "groups": 6e-4}
# A false alarm costs a customer more than a missed attack, which meets other gates.
BENIGN_COUNTS = 2.0
Table = NDArray[np.float32]


def main() -> None:
    """Read the sentences, learn, write the weights."""
    attacks = sentences(FOLDER / "training" / "attacks.txt")
    benign = sentences(FOLDER / "training" / "benign.txt")
    for file in sorted((FOLDER.parent / "utterances").glob("*.txt")):
        benign += sentences(file)
    bias, rules, groups = learn(attacks, benign)
    folder = FOLDER / "weights"
    folder.mkdir(exist_ok=True)
    named = {name: round(float(w), 3) for name, w in zip(NAMES, rules, strict=True)}
    written = json.dumps({"bias": round(bias, 3), "rules": named}, indent=1)
    (folder / "rules.json").write_text(written + "\n")
    (folder / "groups.f16").write_bytes(groups.astype(np.float16).tobytes())


def sentences(file: Path) -> list[str]:
    """One a line; a line break inside is written as two characters."""
    lines = file.read_text(encoding="utf-8").splitlines()
    return [line.replace("\\n", "\n") for line in lines if line.strip()]


def learn(attacks: list[str], benign: list[str]) -> tuple[float, Table, Table]:
    """Logistic regression by gradient steps; rules never speak against an attack."""
    table = features([*attacks, *benign])
    truth = np.array([1.0] * len(attacks) + [0.0] * len(benign), np.float32)
    weight = np.where(truth == 1, len(benign) / len(attacks) / BENIGN_COUNTS, 1.0)
    weight = (weight / weight.sum()).astype(np.float32)
    small = np.full(table.shape[1], KEPT_SMALL["groups"], np.float32)
    small[: len(NAMES)] = KEPT_SMALL["rules"]
    learnt, bias, step = np.zeros(table.shape[1], np.float32), -2.0, np.zeros(table.shape[1])
    for _ in range(ROUNDS):
        wrong = weight * (1 / (1 + np.exp(-(table @ learnt + bias))) - truth)
        slope = wrong @ table + small * learnt
        step = 0.9 * step - RATE * 10 * slope
        learnt = (learnt + step).astype(np.float32)
        learnt[: len(NAMES)] = np.maximum(learnt[: len(NAMES)], 0)
        bias -= RATE * float(wrong.sum()) * 10
    return bias, learnt[: len(NAMES)], learnt[len(NAMES) :]


def features(texts: Iterable[str]) -> Table:
    """A row a text: the rules that hold, then its letter groups."""
    rows = [_row(views(read(text).text, "")[0]) for text in texts]
    return np.stack(rows)


def _row(text: str) -> Table:
    row = np.zeros(len(NAMES) + SIZE, np.float32)
    for name in hits(tokens_of(text), text):
        row[NAMES.index(name)] = 1
    row[len(NAMES) :] = counts(text)
    return row


if __name__ == "__main__":
    main()
