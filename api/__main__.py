"""`python -m api`: the service alone, configured by the environment."""

import sys

import uvicorn

from api.app import create_app
from graph.settings import read_settings
from monitoring.logging import configure_logging
from tools.errors import SettingsInvalid

DRAIN_SECONDS = 20


def main() -> None:
    """Serve until SIGINT or SIGTERM."""
    configure_logging()
    try:
        settings = read_settings()
    except SettingsInvalid as error:
        sys.exit(str(error))
    uvicorn.run(
        create_app(settings),
        host=settings.tria_host,
        port=settings.tria_port,
        log_level="warning",
        timeout_graceful_shutdown=DRAIN_SECONDS,
    )


if __name__ == "__main__":
    main()
