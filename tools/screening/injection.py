"""How much a message looks like an attack: rules and letter groups under one linear model."""

import json
import math
from functools import cache
from importlib import resources

import numpy as np
from numpy.typing import NDArray

from tools.screening.disguise import views
from tools.screening.features import chunks, features_of
from tools.screening.rules import NAMES

# Whoever hides words means more by them.
DISGUISED = 1.0
# The most suspicious of many parts is more suspicious than a part by itself.
BY_PARTS = 0.5
MOST_LOOKED_AT = 20_000
STEEPEST = 30.0


@cache
def load_weights() -> tuple[float, NDArray[np.float32]]:
    """The weights that come with the code: the bias, then those of the features."""
    folder = resources.files("tools.screening") / "weights"
    learnt = json.loads((folder / "rules.json").read_text())
    rules = [learnt["rules"].get(name, 0.0) for name in NAMES]
    groups = np.frombuffer((folder / "groups.f16").read_bytes(), np.float16)
    return learnt["bias"], np.concatenate((rules, groups)).astype(np.float32)


def score_injection(text: str, hidden: str = "") -> float:
    """From 0 to 1; 0.5 and more is suspicious. `hidden` is what invisible characters spelt."""
    seen, *others = views(text, hidden)
    found = [_evidence(seen)]
    left = MOST_LOOKED_AT - len(seen)
    for view in others:
        found.append(_evidence(view[: max(left, 0)]) + DISGUISED)
        left -= len(view)
    best = max(min(max(found), STEEPEST), -STEEPEST)
    return round(1 / (1 + math.exp(-best)), 3)


def _evidence(text: str) -> float:
    bias, weights = load_weights()
    parts = chunks(text)
    best = max(_weighed(part, weights) for part in parts)
    return bias + best - BY_PARTS * math.log(len(parts))


def _weighed(part: str, weights: NDArray[np.float32]) -> float:
    places, values = features_of(part)
    return float((weights[places] * values).sum())
