"""The short version of `make bench-chaos`: some steps of an order, every fault, two at a time."""

import asyncio
from collections.abc import Iterator

import pytest

from evals.bench.chaos import NO_CHROMA, ROWS, Findings, campaign, drawn, part_of, sweep
from evals.bench.fault.cluster import Cluster, standing_cluster
from evals.service import prepared_parts

SEED = 7
PAIRS = (
    ("kill", "model_fails"),
    ("postgres_crash", "redis_flush"),
    ("redis_slow", "xero_fails"),
    ("postgres_mute", "chroma_refuse"),
    ("stop", "redis_full"),
    ("xero_loses", "clients_cut"),
    ("postgres_cut", "drain"),
    ("odd_bodies", "deaf_readers"),
)

# The SDK says so whenever it comes again, which is what is looked at here.
pytestmark = pytest.mark.filterwarnings("ignore:Request failed", "ignore:Reconnecting without")


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    with standing_cluster(with_model=True) as found:
        yield found


# T38, T01, T02, T04, T17, T21
def test_pairs_of_faults_lose_and_double_nothing(cluster: Cluster) -> None:
    findings = asyncio.run(campaign(cluster, PAIRS, conversations=4, seed=SEED))
    assert findings.broken == []
    assert findings.faults.total() == sum(map(len, PAIRS))
    assert "T38" in findings.rows
    assert findings.acknowledged > len(PAIRS)


# T01
def test_an_order_that_is_struck_at_some_of_its_steps_stands_once() -> None:
    findings = Findings()
    with prepared_parts(CHROMA_URL=NO_CHROMA) as service:
        asyncio.run(sweep(service, findings, every=48, seed=SEED))
    assert findings.broken == []
    assert findings.kill_points >= 3


def test_a_campaign_can_be_repeated_and_strikes_everything() -> None:
    first, again = (list(drawn(SEED, 0)) for _ in range(2))
    assert first == again
    assert {kind for kinds in first for kind in kinds} == set(ROWS)
    assert all(len({part_of(kind) for kind in kinds}) == len(kinds) for kinds in first)
    assert any(len(kinds) > 1 for kinds in first)
