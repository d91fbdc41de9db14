"""Moving: names of the former module, until every user imports the parts."""

from tools.screening.before import LONGEST_MESSAGE, is_card, is_nric, is_storable, screen

__all__ = ["LONGEST_MESSAGE", "is_card", "is_nric", "is_storable", "screen"]
