"""Sign-in of staff: who asks, and what only an admin may do."""

from typing import Annotated

import jwt
from fastapi import Depends, HTTPException
from fastapi.security import HTTPAuthorizationCredentials

from api.auth import bearer, not_signed_in
from api.dependencies import ClientsOf
from api.tokens import OtherAudience, Staff, read_staff_token


def current_staff(
    clients: ClientsOf,
    credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(bearer)],
) -> Staff:
    """Who of the staff asks, else 401; 403 for a customer."""
    token = credentials.credentials if credentials else ""
    try:
        return read_staff_token(clients.settings.tria_secret.get_secret_value(), token)
    except OtherAudience as error:
        raise HTTPException(403, "This is for staff: sign in on the console.") from error
    except jwt.InvalidTokenError as error:
        raise not_signed_in() from error


StaffMember = Annotated[Staff, Depends(current_staff)]


def current_admin(staff: StaffMember) -> Staff:
    """The same, for what only an admin may do."""
    if not staff.is_admin:
        raise HTTPException(403, "Only an admin may do this: ask one, or sign in as one.")
    return staff


Admin = Annotated[Staff, Depends(current_admin)]
