"""Three replicas on shared parts behind the proxy, to be struck."""

from collections.abc import Iterator

import httpx
import pytest

from evals.bench.fault.cluster import Cluster, standing_cluster
from tests.waiting import wait_until


def whole(cluster: Cluster) -> None:
    """Wait until every replica takes messages; what has ended is started again."""

    def is_whole() -> bool:
        for replica in cluster.replicas:
            if not replica.is_alive:
                cluster.start(replica)
        return all(cluster.is_ready(replica) for replica in cluster.replicas)

    wait_until(is_whole)


@pytest.fixture(scope="module")
def standing() -> Iterator[Cluster]:
    with standing_cluster() as cluster:
        yield cluster


@pytest.fixture
def cluster(standing: Cluster) -> Cluster:
    """Whole again, whatever the test before did to it."""
    for wire in standing.wires.values():
        wire.set("pass")
    whole(standing)
    return standing


@pytest.fixture
def client(cluster: Cluster) -> Iterator[httpx.Client]:
    """A customer's, through the proxy."""
    with httpx.Client(base_url=cluster.url, headers=cluster.sign_in(0), timeout=60) as client:
        yield client
