"""Everything that staff do, for programs and the terminal."""

from fastapi import FastAPI

from api.operations import conversations, inbox, inspection, privacy, repair


def add_operations(app: FastAPI) -> None:
    """Serve them."""
    for module in (inbox, inspection, conversations, repair, privacy):
        app.include_router(module.router)
