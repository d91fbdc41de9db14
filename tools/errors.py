"""What no customer can cause. What a customer can cause is state and a route instead."""


class TriaError(Exception):
    """A failure with a stable code that interfaces can show."""

    code = "internal"


class BackendUnavailable(TriaError):
    """A part did not answer in time or failed; trying again may help."""

    code = "backend_unavailable"


class BackendRejected(TriaError):
    """A part refused the request, and will refuse the same one again.

    `messages` holds every reason it gave, in its own words: for operators, never for customers.
    """

    code = "backend_rejected"

    def __init__(self, text: str = "", messages: tuple[str, ...] = ()) -> None:
        super().__init__(text)
        self.messages = messages


class OutcomeUnknown(TriaError):
    """A write was sent and its answer lost; look the document up before anything is sent again."""

    code = "outcome_unknown"


class FailedAfterSending(OutcomeUnknown):
    """A write was answered with a failure, which is repeated under the same idempotency key."""


class WriteImpossible(TriaError):
    """The document is in no state in which it may be changed."""

    code = "write_impossible"


class ForeignDocument(TriaError):
    """A part returned a document of another customer; nothing of it may be used."""

    code = "foreign_document"


class SettingsInvalid(TriaError):
    """A setting is missing or wrong; the message names it and says what to do."""

    code = "settings_invalid"


class PartNotStarted(TriaError):
    """An embedded part could not be started; the message says what to do."""

    code = "part_not_started"


class CheckpointsGone(TriaError):
    """What a turn knew is needed again and was pruned."""

    code = "checkpoints_gone"


class OperationRefused(TriaError):
    """What an operator asked for cannot be done (any more); the message says what to do."""

    code = "operation_refused"
