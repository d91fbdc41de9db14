"""Structured logs: one JSON object a line, never with what a customer wrote."""

import logging
import traceback

import structlog


def configure_logging() -> None:
    """Set up logging for a process of the service."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso"),
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
    )
    logging.getLogger("httpx").setLevel(logging.WARNING)  # it logs addresses with document numbers


def origin(error: BaseException) -> dict[str, str]:
    """An error's type and place. Its message stays out: it may quote a customer."""
    frames = traceback.extract_tb(error.__traceback__)
    place = f"{frames[-1].filename}:{frames[-1].lineno}" if frames else "unknown"
    cause = type(error.__cause__).__name__ if error.__cause__ else ""
    return {"error": type(error).__name__, "at": place, "cause": cause}
