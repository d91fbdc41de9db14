"""Gauges of which every process tells the same: what the last sample of Postgres or Redis found."""

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from prometheus_client import REGISTRY, CollectorRegistry
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector
from typing_extensions import override


class Kind(NamedTuple):
    """What a gauge says, and its label if it has one."""

    says: str
    label: str | None = None


class Shared(Collector):
    """Without a sample there is no series: an old value would look like a good one."""

    def __init__(self, kinds: Mapping[str, Kind], registry: CollectorRegistry = REGISTRY) -> None:
        self._kinds = kinds
        self._found: dict[str, Mapping[str, float]] = {}
        registry.register(self)

    @property
    def names(self) -> frozenset[str]:
        """Every gauge that there may be."""
        return frozenset(self._kinds)

    def tell(self, found: Mapping[str, Mapping[str, float]]) -> None:
        """What a sample has found: the values of each gauge by label, by "" without one."""
        self._found |= {name: dict(found[name]) for name in found.keys() & self._kinds.keys()}

    def forget(self, names: Iterable[str]) -> None:
        """These could not be found this time."""
        for name in names:
            self._found.pop(name, None)

    @override
    def collect(self) -> Iterator[GaugeMetricFamily]:
        found = dict(self._found)
        for name, kind in self._kinds.items():
            family = GaugeMetricFamily(name, kind.says, labels=[kind.label] if kind.label else [])
            for label, value in found.get(name, {}).items():
                family.add_metric([label] if kind.label else [], value)
            yield family
