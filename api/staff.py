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


Admin = Annotated[Staff, Depends(current_admin)]
