"""Why a message could not be delivered, and whether it is tried again."""

from __future__ import annotations


class TemporaryFailure(Exception):
    """Tried again later."""

    def __init__(self, reason: str, kind: str = "unexpected-reply") -> None:
        """:param kind: what rules know it by, as ``last_error``."""
        super().__init__(reason)
        self.kind = kind


class PermanentFailure(Exception):
    """Told to the sender."""

    def __init__(self, reason: str, told: str = "", answer: str = "") -> None:
        """:param told: the sentence for the sender. :param answer: of the server that refused it."""
        super().__init__(reason)
        self.told, self.answer = told, answer or f"550 {reason}"
