"""`python -m api`: the service alone, configured by the environment."""

import contextlib
import sys

from api.app import create_app
from api.drain import DrainingServer
from graph.settings import read_settings
from monitoring.logging import configure_logging
from tools.errors import SettingsInvalid


def main() -> None:
    """Serve until SIGINT or SIGTERM."""
    configure_logging()
    try:
        settings = read_settings()
    except SettingsInvalid as error:
        sys.exit(str(error))
    server = DrainingServer(create_app(settings), settings)
    with contextlib.suppress(KeyboardInterrupt):
        server.run()
    if not server.started:
        sys.exit(1)


if __name__ == "__main__":
    main()
