"""Sign-in of staff: who asks, and what only an admin may do."""

from typing import Annotated

from fastapi import Depends, HTTPException

from api.auth import AnyPrincipal, StaffNeeds, demand
from api.tokens import Staff

StaffMember = Annotated[Staff, Depends(StaffNeeds("console"))]


async def current_admin(staff: StaffMember, principal: AnyPrincipal) -> Staff:
    """The same, for what only an admin may do."""
    if not staff.is_admin:
        raise HTTPException(403, "Only an admin may do this: ask one, or sign in as one.")
    demand(principal, "admin")
    return staff


async def current_supervisor(staff: StaffMember) -> Staff:
    """The same, for what only those may do who lead others."""
    if not (staff.is_supervisor or staff.is_admin):
        raise HTTPException(403, "Only a supervisor may do this: ask one.")
    return staff


Supervisor = Annotated[Staff, Depends(current_supervisor)]
Admin = Annotated[Staff, Depends(current_admin)]
