"""Every page of the console."""

from fastapi import FastAPI

from api.console import (
    approvals,
    conversations,
    inbox,
    person,
    privacy,
    repair,
    sign_in,
    trials,
    xero,
)


def add_pages(app: FastAPI) -> None:
    """Serve them."""
    pages = (sign_in, inbox, conversations, person, repair, trials, approvals, xero, privacy)
    for module in pages:
        app.include_router(module.router)
