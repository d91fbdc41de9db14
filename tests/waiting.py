"""Waiting for what happens elsewhere."""

import time
from collections.abc import Callable


def wait_until(is_true: Callable[[], object], seconds: float = 60) -> float:
    """How many seconds it took; fails where it does not happen in time."""
    began = time.monotonic()
    while not is_true():
        assert time.monotonic() < began + seconds, "it did not happen in time"
        time.sleep(0.05)
    return time.monotonic() - began
