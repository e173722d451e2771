"""What the API answers instead of data (contract 0.15 section 2.1)."""

from __future__ import annotations

from typing import Any

_TEXTS = {
    400: ("Invalid parameters", "JSON deserialization failed"),
    401: ("Unauthorized", "You have to authenticate first."),
    403: ("Forbidden", "You do not have enough permissions to access this resource."),
    404: ("Not Found", "The requested resource does not exist on this server."),
    429: ("Too Many Requests", "Your request has been rate limited. Please try again in a few seconds."),
    500: (
        "Internal Server Error",
        "There was a problem while processing your request. Please contact the system administrator if this problem "
        "persists.",
    ),
}


class Problem(Exception):
    """A real HTTP status with a problem document."""

    status = 500

    def __init__(self, reason: str = "", **members: Any) -> None:
        """:param reason: for the log only. :param members: of the document, instead of the usual ones."""
        super().__init__(reason)
        self.members = members

    def document(self) -> dict[str, Any]:
        title, detail = _TEXTS[self.status]
        """Members given as None are left out."""
        members = {"type": "about:blank", "status": self.status, "title": title, "detail": detail} | self.members
        return {name: value for name, value in members.items() if value is not None}


class BadRequest(Problem):
    status = 400


class Unauthorized(Problem):
    status = 401


class Forbidden(Problem):
    status = 403


class NotFound(Problem):
    status = 404


class TooMany(Problem):
    status = 429


class InternalError(Problem):
    status = 500


class Refused(Exception):
    """An error in a 200 answer: `{"error": …}`."""

    def __init__(self, error: str, **members: Any) -> None:
        super().__init__(error)
        self.document = {"error": error} | members


def missing(item: str) -> Refused:
    return Refused("notFound", item=item)


def exists(field: str, value: str) -> Refused:
    return Refused("fieldAlreadyExists", field=field, value=value)


def other(details: str, reason: str | None = None) -> Refused:
    return Refused("other", details=details, reason=reason)


ENTERPRISE = Refused("unsupported", details="Enterprise feature")
