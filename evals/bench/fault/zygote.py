"""The process that forks replicas of the service: it has imported everything, so they start fast.

Reads one JSON object a line, with the `environment` of a replica and its `log`, and answers with
its `pid`.
"""

import ctypes
import gc
import importlib
import json
import os
import runpy
import signal
import sys
import traceback
from typing import Any, NoReturn

from tools.embedded.process import PR_SET_PDEATHSIG


def main() -> None:
    """One forked replica a line."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for them
    importlib.import_module("api.app")
    gc.freeze()
    for line in sys.stdin:
        pid = os.fork()
        if pid == 0:
            _live(json.loads(line))
        print(json.dumps({"pid": pid}), flush=True)


def _live(order: dict[str, Any]) -> NoReturn:
    try:
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, int(signal.SIGKILL))
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        os.setsid()
        _redirect(order["log"])
        os.environ.update(order["environment"])
        runpy.run_module("api", run_name="__main__")
    except BaseException:  # noqa: BLE001 (a fork must not go on as its parent)
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(0)


def _redirect(log: str) -> None:
    sink = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.dup2(sink, 1)
    os.dup2(sink, 2)


if __name__ == "__main__":
    main()
