"""Whether something grows: the slope of a noisy series, with what it may be at the least and most.

The first quarter is warm-up and left out; the medians of forty blocks stand for the rest, as
neighbouring samples say nearly the same; the slope is the median of those of all pairs (Theil and
Sen), and whether it is one at all is told by the ranks (Mann and Kendall).
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np
from scipy import stats

WARM_UP = 0.25
BLOCKS = 40
LEAST_SAMPLES = 8
CONFIDENCE = 0.95
SURE = 0.01
HOUR = 3600
LEAST_HOURS = 1.0  # without the first quarter


@dataclass(frozen=True)
class Slope:
    """Growth an hour: between `low` and `high` with 95 % confidence; `p` that there is none."""

    an_hour: float
    low: float
    high: float
    p: float
    hours: float
    samples: int

    @property
    def can_tell(self) -> bool:
        """Whether it was watched for long enough: in the first minutes everything grows."""
        return self.hours >= LEAST_HOURS

    def exceeds(self, bound: float) -> bool:
        """Whether it grows for sure, and by more than so much an hour."""
        return self.low > bound and self.p < SURE

    @property
    def as_json(self) -> dict[str, float]:
        """As it is reported."""
        return {name: round(value, 4) for name, value in asdict(self).items()}


def slope_of(times: Sequence[float], values: Sequence[float]) -> Slope | None:
    """The slope of a series over seconds; None where there are too few samples."""
    whole = np.array([times, values], float)
    kept = whole[:, int(whole.shape[1] * WARM_UP) :]
    if kept.shape[1] < LEAST_SAMPLES:
        return None
    blocks = np.array_split(kept, min(BLOCKS, kept.shape[1] // 2), axis=1)
    hours = np.array([np.median(block[0]) for block in blocks]) / HOUR
    medians = np.array([np.median(block[1]) for block in blocks])
    middle, _, low, high = stats.theilslopes(medians, hours, CONFIDENCE)
    p = stats.kendalltau(hours, medians).pvalue
    return Slope(
        an_hour=float(middle),
        low=float(low),
        high=float(high),
        p=1.0 if np.isnan(p) else float(p),
        hours=float(kept[0, -1] - kept[0, 0]) / HOUR,
        samples=int(kept.shape[1]),
    )
