"""Figures of a scenario that has been played. A turn without an answer took for ever."""

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from tests.load.leak import slope_of
from tests.load.scenarios import Scenario
from tests.load.talks import Told

GROWING = (
    *("service_rss_mb", "service_anonymous_mb", "service_files", "service_threads"),
    "connections",
    "redis_mb",
)
EDGE_SHARE = 0.5  # of a stage: what is compared before and after is its end
Json = dict[str, Any]


def figures_of(scenario: Scenario, turns: Sequence[Told], samples: Sequence[Json]) -> Json:
    """Everything that is judged or shown."""
    wrong = [told for told in turns if not told.is_answered]
    found: Json = {
        "turns": len(turns),
        "errors": len(wrong),
        "error_share": round(len(wrong) / len(turns), 5) if turns else 1.0,
        "kinds_of_error": dict(Counter(told.error[:100] for told in wrong).most_common(5)),
        "cuts": sum(told.cuts for told in turns),
        "kinds": dict(Counter(told.kind for told in turns)),
        "recovery": _recovery(scenario, turns),
    }
    for name, seconds in _SECONDS.items():
        values = [seconds(told) if told.is_answered else math.inf for told in turns]
        for share in (0.5, 0.95, 0.99):
            found[f"{name}_p{share * 100:.0f}"] = quantile(values, share)
    return found | _of_samples(samples, len(turns))


_SECONDS: Mapping[str, Callable[[Told], float]] = {
    "turn": lambda told: told.seconds,
    "first_word": lambda told: told.first_word or told.seconds,
    "first_event": lambda told: told.first_event or told.seconds,
    "stall": lambda told: told.stall,
}


def quantile(values: Sequence[float], share: float) -> float | None:
    """What a share of them does not exceed; None where there are none, or it took for ever."""
    if not values:
        return None
    found = sorted(values)[max(0, math.ceil(share * len(values)) - 1)]
    return round(found, 3) if math.isfinite(found) else None


def _recovery(scenario: Scenario, turns: Sequence[Told]) -> float | None:
    """How long a turn takes at the end of the last stage, as a multiple of that of the first."""
    if len(scenario.stages) < 2 or not turns:
        return None
    begun = min(told.asked_at for told in turns)
    first, last = scenario.stages[0][1], scenario.stages[-1][1]
    before = [t for t in turns if t.asked_at - begun < first]
    after = [t for t in turns if t.asked_at - begun > scenario.seconds - last * EDGE_SHARE]
    p50s = [
        quantile([t.seconds if t.is_answered else math.inf for t in part], 0.5)
        for part in (before, after)
    ]
    return round(p50s[1] / p50s[0], 3) if p50s[0] and p50s[1] else None


def _of_samples(samples: Sequence[Json], turns: int) -> Json:
    seen = [sample for sample in samples if "service_rss_mb" in sample]
    if len(seen) < 2:
        return {"growth": {}}
    first, last = seen[0], seen[-1]
    seconds = last["at"] - first["at"]

    def cpu(name: str) -> float:
        values = [sample[key] for sample in seen if (key := f"{name}_cpu_s") in sample]
        return float(values[-1] - values[0]) if values else 0.0

    return {
        "minutes": round(seconds / 60, 1),
        "machine_load": round(sum(sample["load"] for sample in seen) / len(seen), 1),
        "client_cpu_share": round(cpu("locust") / seconds, 3) if seconds else 0.0,
        "service_cpu_s_per_turn": round(cpu("service") / max(turns, 1), 4),
        "postgres_cpu_s_per_turn": round(cpu("postgres") / max(turns, 1), 4),
        "rss_mb": [first["service_rss_mb"], last["service_rss_mb"]],
        "growth": _growth(seen),
    }


def _growth(samples: Sequence[Json]) -> Json:
    found = {}
    for name in GROWING:
        having = [sample for sample in samples if name in sample]
        slope = slope_of([s["at"] for s in having], [s[name] for s in having])
        if slope:
            found[name] = slope.as_json
    return found
