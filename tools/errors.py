"""What no customer can cause. What a customer can cause is state and a route instead."""


class TriaError(Exception):
    """A failure with a stable code that interfaces can show."""

    code = "internal"


class BackendUnavailable(TriaError):
    """A part did not answer in time or failed; trying again may help."""

    code = "backend_unavailable"


class BackendRejected(TriaError):
    """A part refused the request, and will refuse the same one again."""

    code = "backend_rejected"


class OutcomeUnknown(TriaError):
    """A write was sent and its answer lost; look the document up before anything is sent again."""

    code = "outcome_unknown"


class ForeignDocument(TriaError):
    """A part returned a document of another customer; nothing of it may be used."""

    code = "foreign_document"


class SettingsInvalid(TriaError):
    """A setting is missing or wrong; the message names it and says what to do."""

    code = "settings_invalid"


class PartNotStarted(TriaError):
    """An embedded part could not be started; the message says what to do."""

    code = "part_not_started"
