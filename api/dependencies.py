"""What routes ask for: the process's clients."""

from typing import Annotated, cast

from fastapi import Depends, Request

from graph.clients import Clients


def clients_of(request: Request) -> Clients:
    """The clients that the application's lifespan opened."""
    return cast(Clients, request.app.state.clients)


ClientsOf = Annotated[Clients, Depends(clients_of)]
