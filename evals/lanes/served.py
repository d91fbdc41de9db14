"""The service of a lane: as `python -m api` runs it, with a clock that can be set.

`POST /lane/begin` sets the clock and forgets what the process remembers of failures, so that each
case begins as with a process that has just started.
"""

from datetime import datetime, timedelta

from fastapi import FastAPI
from pydantic import AwareDatetime, BaseModel

from api.app import create_app
from api.drain import DrainingServer
from evals.lanes.database import ahead_in
from graph.clients import Clients, now
from graph.settings import read_settings
from monitoring.logging import configure_logging


class SetClock:
    """Real time, moved to where a case plays."""

    def __init__(self, ahead: timedelta) -> None:
        self.ahead = ahead

    def __call__(self) -> datetime:
        """The time in Singapore, as the case has it."""
        return now() + self.ahead


class Begin(BaseModel):
    """When it is to be, and whether failures are forgotten."""

    now: AwareDatetime
    forget: bool = True


def main() -> None:
    """Serve until SIGTERM."""
    configure_logging()
    settings = read_settings()
    # The world may be one that is gone on with: a card must not run out before its time is set.
    clock = SetClock(ahead_in(settings.database_url.get_secret_value()))
    app = create_app(settings, clock)
    _add_begin(app, clock)
    DrainingServer(app, settings).run()


def _add_begin(app: FastAPI, clock: SetClock) -> None:
    @app.post("/lane/begin")
    async def begin(wanted: Begin) -> dict[str, str]:
        clients: Clients = app.state.clients
        clock.ahead = wanted.now - now()
        if wanted.forget:
            clients.xero_parts.breaker.begin_anew()
            breaker = getattr(clients.model, "breaker", None)
            if breaker:
                breaker.begin_anew()
        return {"now": clock().isoformat()}


if __name__ == "__main__":
    main()
