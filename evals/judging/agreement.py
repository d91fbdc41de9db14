"""How far a judge and the labels agree, beyond what chance alone would give."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import stats

from evals.comparing.statistics import RESAMPLES, SEED, SURE, Interval

WANTED_KAPPA = 0.7
ANYTHING: Interval = (-1.0, 1.0)


@dataclass(frozen=True)
class Agreement:
    """Of `n` replies, the share on which both agree, and Cohen's kappa with its 95 % interval."""

    n: int
    share: float
    kappa: float
    interval: Interval

    @property
    def is_enough(self) -> bool:
        """Whether people may listen to the judge. Nothing in the code does."""
        return self.n > 0 and self.kappa >= WANTED_KAPPA

    def sentence(self) -> str:
        """What it means."""
        low, high = self.interval
        found = f"kappa {self.kappa:.2f} ({low:.2f} to {high:.2f}) on {self.n} labels"
        if self.is_enough:
            return f"may be listened to: {found}"
        return f"advice only: {found}, {WANTED_KAPPA:.2f} is wanted"


def agreement(labels: Sequence[bool], judgements: Sequence[bool]) -> Agreement:
    """Compare them pair by pair: acceptable or not, by the label and by the judge."""
    pairs = list(zip(labels, judgements, strict=True))
    if not pairs:
        return Agreement(0, 0.0, 0.0, ANYTHING)
    label, judged = (np.array(side, dtype=float) for side in zip(*pairs, strict=True))
    share = float((label == judged).mean())
    return Agreement(len(pairs), share, _plain(_kappa(label, judged)), _interval(label, judged))


def _kappa(label: Any, judged: Any, axis: int = -1) -> Any:
    """Cohen's kappa along an axis; 0 where one answer fits all, which shows nothing."""
    agreed = (label == judged).mean(axis=axis)
    yes, judged_yes = label.mean(axis=axis), judged.mean(axis=axis)
    by_chance = yes * judged_yes + (1 - yes) * (1 - judged_yes)
    room = 1 - by_chance
    return np.where(room > 0, (agreed - by_chance) / np.where(room > 0, room, 1), 0.0)


def _interval(label: Any, judged: Any) -> Interval:
    if len(label) < 2:
        return ANYTHING
    drawn = stats.bootstrap(
        (label, judged),
        _kappa,
        n_resamples=RESAMPLES,
        vectorized=True,
        paired=True,
        confidence_level=SURE,
        method="percentile",
        rng=np.random.default_rng(SEED),
    ).confidence_interval
    return (_plain(drawn.low), _plain(drawn.high))


def _plain(figure: Any) -> float:
    """Without the last digits, which can make nothing at all look negative."""
    return round(float(figure), 9) + 0.0
