"""What a stream is made of."""

from dataclasses import dataclass, field

START = "0-0"  # before the first event
END = "end"


@dataclass(slots=True)
class Event:
    """One event of a stream. `name` is END after the last one and "" for a heartbeat.

    `writer` and `number` say which attempt at the run wrote it, and as its how-manieth. An event
    that could not be logged has no id.
    """

    event_id: str
    name: str
    data: str
    writer: str = field(default="", compare=False)
    number: int = field(default=0, compare=False)
    _wire: bytes = field(default=b"", compare=False, repr=False)

    @property
    def wire(self) -> bytes:
        """Its name and data as clients read them: encoded once, however many read it."""
        if not self._wire:
            self._wire = f"event: {self.name}\r\ndata: {self.data}\r\n".encode(errors="replace")
        return self._wire


HEARTBEAT = Event("", "", "")
HOLE = Event("", "", "hole")  # something before the next event is lost: show the state as it is
RECONNECT = Event("", "", "reconnect")  # the stream goes on elsewhere


def order(event_id: str) -> tuple[int, int]:
    """What ids are compared by."""
    milliseconds, _, sequence = event_id.partition("-")
    return int(milliseconds), int(sequence or 0)


def event_of(event_id: str, fields: dict[str, str]) -> Event:
    """An entry of the log."""
    return Event(
        event_id, fields["event"], fields["data"], fields.get("by", ""), int(fields.get("n", 0))
    )
