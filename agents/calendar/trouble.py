"""Why a question about time has no plain answer. These never leave the agent: each becomes an outcome."""

EDGE = "That is at the very edge of my calendar, which holds the years 1 to 9999."


class NotUnderstoodError(Exception):
    """Some words cannot be accounted for; the request is declined."""


class ImpossibleError(Exception):
    """The question is clear and has no answer (30 February, year 12,000); the text says so to the user."""


class MissingError(Exception):
    """One thing is missing; the text asks for it, and the reply fills `slot` of the question."""

    def __init__(self, text: str, *, slot: str) -> None:
        super().__init__(text)
        self.slot = slot


class UnknownPlaceError(MissingError):
    """A place whose time zone is not known."""

    def __init__(self, place: str, *, slot: str) -> None:
        text = f"I do not know the time zone of “{place}”. Which larger city is near it, or which zone is it?"
        text += " (A zone looks like Europe/Berlin or UTC+2.)"
        super().__init__(text, slot=slot)
        self.place = place
