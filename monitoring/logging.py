"""Structured logs: one JSON object a line, never with what a customer wrote."""

import contextlib
import logging
import sys
import traceback
from collections.abc import Mapping, MutableMapping
from typing import Any

import structlog

from monitoring.redaction import redacted

DEFAULT = "info"
LEVELS: Mapping[str, int] = {
    "debug": logging.DEBUG,
    "info": logging.INFO,
    "warning": logging.WARNING,
    "error": logging.ERROR,
}
# They say at INFO what nobody may know: addresses with document numbers.
QUIET = ("httpx", "httpcore")
TALKATIVE = ("openai", "langsmith", "chromadb", "urllib3", "asyncio")


class Lines:
    """Prints lines. A log that cannot be written, on a full disk, must not end what wrote it."""

    def msg(self, message: str) -> None:
        """One line."""
        with contextlib.suppress(OSError):
            sys.stdout.write(f"{message}\n")
            sys.stdout.flush()

    debug = info = warning = error = critical = log = msg


def configure_logging() -> None:
    """Set up logging for a process of the service, that of libraries too."""
    before: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso"),
    ]
    structlog.configure(
        processors=[*before, without_secrets, structlog.processors.JSONRenderer()],
        logger_factory=lambda *_: Lines(),
    )
    foreign = logging.StreamHandler(sys.stdout)
    foreign.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*before, _foreign_origin],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                without_secrets,
                structlog.processors.JSONRenderer(),
            ],
        )
    )
    logging.basicConfig(handlers=[foreign], level=logging.WARNING, force=True)
    for name in (*QUIET, *TALKATIVE):
        logging.getLogger(name).setLevel(logging.WARNING)
    set_level(None)


def set_level(level: str | None) -> None:
    """Log from this level on, at once and everywhere in the process; None: as it is configured.

    What libraries log below a warning may hold anything, and stays out at every level.
    """
    least = LEVELS[level or DEFAULT]
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(least))


def without_secrets(
    _logger: object, _name: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """What every line goes through last: personal data and secrets are masked, errors lose words.

    A line that cannot be looked through is not written.
    """
    if error := _error_in(event.pop("exc_info", None)):
        event = {**event, **origin(error)}
    event.pop("exception", None)
    event.pop("stack_info", None)
    try:
        return redacted(event)
    except Exception:  # noqa: BLE001 (a line that cannot be written must not end what wrote it)
        return {"event": "a log line could not be redacted", "level": "error"}


def origin(error: BaseException) -> dict[str, str]:
    """An error's type and place. Its message stays out: it may quote a customer."""
    frames = traceback.extract_tb(error.__traceback__)
    place = f"{frames[-1].filename}:{frames[-1].lineno}" if frames else "unknown"
    cause = type(error.__cause__).__name__ if error.__cause__ else ""
    return {"error": type(error).__name__, "at": place, "cause": cause}


def _error_in(found: object) -> BaseException | None:
    if isinstance(found, tuple) and len(found) == 3:
        found = found[1]
    if found is True:
        found = sys.exc_info()[1]
    return found if isinstance(found, BaseException) else None


def _foreign_origin(
    _logger: object, _name: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """Which library a line is from, and the error that it carries."""
    record: logging.LogRecord = event["_record"]
    return {**event, "logger": record.name, "exc_info": record.exc_info}
