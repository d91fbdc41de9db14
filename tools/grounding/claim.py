"""What a text says that needs a source."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Claim:
    """Something in a text that needs a source.

    `value` is normalised for its kind, several readings stand with | between them; `unit` is the
    family of what is counted; `start` and `end` are the place in the text.
    """

    kind: str
    value: str
    written: str
    unit: str = ""
    start: int = 0
    end: int = 0

    @property
    def readings(self) -> list[str]:
        """Every value it may mean."""
        return self.value.split("|")
