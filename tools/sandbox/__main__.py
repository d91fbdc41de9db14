"""Run the sandbox: `python -m tools.sandbox --port 8010 --data .tria/sandbox`."""

import argparse
from pathlib import Path

import uvicorn

from tools.sandbox.app import create_sandbox
from tools.sandbox.xero.limits import PER_DAY, Limits


def main() -> None:
    """Serve until a signal arrives."""
    options = _options()
    limits = Limits(options.rate_limit, options.concurrent, options.day_limit)
    app = create_sandbox(options.data, limits=limits, latency_seconds=options.latency_ms / 1000)
    uvicorn.run(
        app,
        host=options.host,
        port=options.port,
        log_level="warning",
        access_log=False,
        timeout_graceful_shutdown=1,
    )


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tools.sandbox", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--data", type=Path, required=True, help="folder of the state")
    parser.add_argument("--rate-limit", type=int, default=60, help="calls to Xero a minute")
    parser.add_argument("--concurrent", type=int, default=5, help="calls to Xero at a time")
    parser.add_argument("--day-limit", type=int, default=PER_DAY, help="calls to Xero a day")
    parser.add_argument("--latency-ms", type=float, default=0, help="how long Xero thinks")
    return parser.parse_args()


if __name__ == "__main__":
    main()
