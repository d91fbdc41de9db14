"""What routes ask for: the process's clients."""

from typing import Annotated, cast

from fastapi import Depends
from fastapi.requests import HTTPConnection

from graph.clients import Clients


def clients_of(connection: HTTPConnection) -> Clients:
    """The clients that the application's lifespan opened."""
    return cast(Clients, connection.app.state.clients)


ClientsOf = Annotated[Clients, Depends(clients_of)]
