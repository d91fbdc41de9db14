"""How much a message looks like an attack: rules and letter groups under one linear model."""

import json
import math
from functools import cache
from importlib import resources
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tools.screening.disguise import views
from tools.screening.ngrams import strongest
from tools.screening.rules import NAMES, hits
from tools.screening.tokens import tokens_of

# Whoever hides words means more by them.
DISGUISED = 1.5
MOST_LOOKED_AT = 20_000


class Weights(NamedTuple):
    """What was learnt from the training sentences."""

    bias: float
    rules: dict[str, float]
    groups: NDArray[np.float32]


@cache
def load_weights() -> Weights:
    """The weights that come with the code."""
    folder = resources.files("tools.screening") / "weights"
    learnt = json.loads((folder / "rules.json").read_text())
    raw = (folder / "groups.f16").read_bytes()
    groups = np.frombuffer(raw, np.float16).astype(np.float32)
    return Weights(learnt["bias"], {n: learnt["rules"].get(n, 0.0) for n in NAMES}, groups)


def score_injection(text: str, hidden: str = "") -> float:
    """From 0 to 1; 0.5 and more is suspicious. `hidden` is what invisible characters spelt."""
    seen, *others = views(text, hidden)
    found = [_evidence(seen)]
    left = MOST_LOOKED_AT - len(seen)
    for view in others:
        found.append(_evidence(view[: max(left, 0)]) + DISGUISED)
        left -= len(view)
    return round(1 / (1 + math.exp(-max(min(max(found), 30.0), -30.0))), 3)


def _evidence(text: str) -> float:
    weights = load_weights()
    by_rules = sum(weights.rules[name] for name in hits(tokens_of(text), text))
    return weights.bias + by_rules + strongest(text, weights.groups)
