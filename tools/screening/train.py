"""Learns the weights of attacks: `python -m tools.screening.train`, after a change of its data."""

import json
import re
import tomllib
from itertools import product
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tools.screening.disguise import views
from tools.screening.features import SIZE, chunks, features_of
from tools.screening.readable import read
from tools.screening.rules import NAMES

FOLDER = Path(__file__).parent
HEARD = FOLDER.parent / "understanding" / "utterances"
ROUNDS = 400
RATE = 0.05
# Rules start from meaning something, letter groups from nothing.
RULE_BEFORE = 1.0
RULES_KEPT = 1e-4
GROUPS_KEPT = 5e-6
# A false alarm costs a customer more than a missed attack, which meets other gates.
BENIGN_COUNTS = 2.5
# Forms that no customer writes; each is enough by itself.
CERTAIN = ("delimiter", "data", "image", "markup", "query", "speaker", "many_shots")
CERTAIN_AT_LEAST = 5.0
FILLED = 40
TOGETHER = 12
SLOT = re.compile(r"\{([^{}]*)\}")
Row = tuple[NDArray[np.int64], NDArray[np.float32]]
Numbers = NDArray[np.float64]


class Examples(NamedTuple):
    """Texts with how much each counts."""

    texts: list[str]
    counts: list[float]


def main() -> None:
    """Read the sentences, learn, write the weights."""
    bias, weights = learn(attacks(), benign())
    folder = FOLDER / "weights"
    folder.mkdir(exist_ok=True)
    rules = {n: round(float(w), 3) for n, w in zip(NAMES, weights, strict=False)}
    written = json.dumps({"bias": round(bias, 3), "rules": rules}, indent=1)
    (folder / "rules.json").write_text(written + "\n")
    (folder / "groups.f16").write_bytes(weights[len(NAMES) :].astype(np.float16).tobytes())


def attacks() -> Examples:
    """The attacks: written ones and filled-in ones."""
    return _with_templates(sentences(FOLDER / "training" / "attacks.txt"), "attacks")


def benign() -> Examples:
    """What customers write, what only looks like an attack, and many such sentences in one."""
    written = sentences(FOLDER / "training" / "benign.txt")
    heard = [s for file in sorted(HEARD.iterdir()) for s in sentences(file)]
    texts, counts = _with_templates(written, "benign")
    mixed = [*texts, *heard]
    spread = [mixed[n :: len(mixed) // TOGETHER] for n in range(len(mixed) // TOGETHER)]
    long = [chunk for some in spread for chunk in chunks("\n".join(some))]
    return Examples([*texts, *heard, *long], [*counts, *[1.0] * len(heard), *[0.5] * len(long)])


def sentences(file: Path) -> list[str]:
    """One a line; a line break inside is written as two characters."""
    lines = file.read_text(encoding="utf-8").splitlines()
    return [line.replace("\\n", "\n") for line in lines if line.strip()]


def _with_templates(written: list[str], kind: str) -> Examples:
    templates = tomllib.loads((FOLDER / "training" / "templates.toml").read_text(encoding="utf-8"))
    filled = [text for template in templates[kind] for text in _filled(template)]
    return Examples([*written, *filled], [*[2.0] * len(written), *[0.25] * len(filled)])


def _filled(template: str) -> list[str]:
    """Ways to fill the slots of a template, spread evenly over all there are."""
    parts = [p.split("|") if n % 2 else [p] for n, p in enumerate(SLOT.split(template))]
    ways = list(product(*parts))
    # A step that shares no factor with the slots' sizes varies every slot.
    step = next(s for s in (7919, 7907) if len(ways) % s)
    return ["".join(ways[n * step % len(ways)]) for n in range(min(FILLED, len(ways)))]


def learn(bad: Examples, good: Examples) -> tuple[float, Numbers]:
    """Logistic regression by Adam's steps; rules never speak against an attack."""
    rows = [features_of(views(read(text).text, "")[0]) for text in [*bad.texts, *good.texts]]
    truth = np.array([1.0] * len(bad.texts) + [0.0] * len(good.texts))
    counts = np.array([*bad.counts, *good.counts])
    counts[truth == 1] *= counts[truth == 0].sum() / counts[truth == 1].sum() / BENIGN_COUNTS
    counts /= counts.sum()
    before = np.concatenate(([-2.0], np.full(len(NAMES), RULE_BEFORE), np.zeros(SIZE)))
    kept = np.concatenate(([0.0], np.full(len(NAMES), RULES_KEPT), np.full(SIZE, GROUPS_KEPT)))
    learnt = _descended(rows, truth, counts, before, kept)
    return float(learnt[0]), learnt[1:]


def _descended(
    rows: list[Row], truth: Numbers, counts: Numbers, before: Numbers, kept: Numbers
) -> Numbers:
    places = np.concatenate([row[0] for row in rows]) + 1
    values = np.concatenate([row[1] for row in rows])
    owners = np.repeat(np.arange(len(rows)), [len(row[0]) for row in rows])
    least = np.full(len(before), -np.inf)
    least[1 : len(NAMES) + 1] = [CERTAIN_AT_LEAST if n in CERTAIN else 0.0 for n in NAMES]
    learnt, mean, square = before.copy(), np.zeros_like(before), np.zeros_like(before)
    for n in range(1, ROUNDS + 1):
        total = np.bincount(owners, values * learnt[places], len(rows)) + learnt[0]
        wrong = counts * (1 / (1 + np.exp(-total)) - truth)
        slope = np.bincount(places, values * wrong[owners], len(before)) + kept * (learnt - before)
        slope[0] += wrong.sum()
        mean = 0.9 * mean + 0.1 * slope
        square = 0.999 * square + 0.001 * slope**2
        steps = mean / (1 - 0.9**n) / (np.sqrt(square / (1 - 0.999**n)) + 1e-9)
        learnt -= RATE * (1 - n / ROUNDS) * steps
        learnt = np.maximum(learnt, least)
    return learnt


if __name__ == "__main__":
    main()
