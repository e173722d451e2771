"""`Email/query`: the filters and sorts of RFC 8621 section 4.4 that find a message in a mailbox."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .errors import MethodError
from .jmap_email import Body, Email, header, utc
from .reading import tokens

MAX_RESULTS = 5000

_ADDRESSES = ("from", "to", "cc", "bcc")


def _contains(text: str, wanted: str) -> bool:
    """All words of the wanted text, as far as an index of words tells."""
    return all(word in text.lower() for word in wanted.lower().split())


def _header_text(mail: Email, name: str) -> str:
    return " ".join(map(str, header(mail.parsed, f"header:{name}:asText:all")))


def _has_header(mail: Email, wanted: list[str]) -> bool:
    """Of those that have no field of their own in the index."""
    name, value = wanted[0], wanted[1] if len(wanted) > 1 else ""
    if name.lower() in (*_ADDRESSES, "subject", "date"):
        return False
    return name in mail.parsed and tokens(value) <= tokens(_header_text(mail, name))


def _any_text(mail: Email, wanted: str) -> bool:
    parts = [*(_header_text(mail, name) for name in (*_ADDRESSES, "subject")), mail.text()]
    return any(_contains(part, wanted) for part in parts)


_CONDITIONS: dict[str, Callable[[Email, Any], bool]] = {
    "inMailbox": lambda mail, wanted: mail.mailbox == wanted,
    "inMailboxOtherThan": lambda mail, wanted: mail.mailbox not in wanted,
    "before": lambda mail, wanted: utc(mail.stored.received_at) < wanted,
    "after": lambda mail, wanted: utc(mail.stored.received_at) >= wanted,
    "minSize": lambda mail, wanted: len(mail.stored.raw) >= wanted,
    "maxSize": lambda mail, wanted: len(mail.stored.raw) < wanted,
    "hasKeyword": lambda mail, wanted: wanted in mail.keywords,
    "notKeyword": lambda mail, wanted: wanted not in mail.keywords,
    "text": _any_text,
    "subject": lambda mail, wanted: _contains(_header_text(mail, "subject"), wanted),
    "body": lambda mail, wanted: _contains(mail.text(), wanted),
    "header": _has_header,
} | {
    name: (lambda mail, wanted, name=name: _contains(_header_text(mail, name), wanted))  # type: ignore[misc]
    for name in _ADDRESSES
}

_SORTS: dict[str, Callable[[Email], Any]] = {
    "receivedAt": lambda mail: mail.stored.received_at,
    "size": lambda mail: len(mail.stored.raw),
    "subject": lambda mail: _header_text(mail, "subject").lower(),
    "from": lambda mail: _header_text(mail, "from").lower(),
    "to": lambda mail: _header_text(mail, "to").lower(),
    "sentAt": lambda mail: str(header(mail.parsed, "header:Date:asDate")),
}


def matches(mail: Email, filter_: Body, indexes_headers: bool) -> bool:
    """Raises MethodError for a filter that is none."""
    if "operator" not in filter_:
        for name in filter_:
            if name not in _CONDITIONS:
                raise MethodError("unsupportedFilter", name)
        if "header" in filter_ and not indexes_headers:
            return False
        return all(_CONDITIONS[name](mail, wanted) for name, wanted in filter_.items())
    results = [matches(mail, condition, indexes_headers) for condition in filter_.get("conditions", [])]
    match filter_["operator"]:
        case "AND":
            return all(results)
        case "OR":
            return any(results)
        case "NOT":
            return not any(results)
    raise MethodError("invalidArguments", f"invalid operator {filter_['operator']}")


def query(mails: list[Email], arguments: Body, indexes_headers: bool) -> list[str]:
    """Ids, ascending by arrival unless the sort says otherwise."""
    found = [mail for mail in mails if matches(mail, arguments.get("filter") or {}, indexes_headers)]
    for comparator in reversed(arguments.get("sort") or []):
        name = comparator.get("property")
        if name not in _SORTS:
            raise MethodError("unsupportedSort", str(name))
        found.sort(key=_SORTS[name], reverse=not comparator.get("isAscending", True))
    return [mail.key for mail in found]


def page(found: list[str], arguments: Body) -> Body:
    """The members of a query's answer that cut it into pages (RFC 8620 section 5.5)."""
    limit, position, anchor = arguments.get("limit"), int(arguments.get("position") or 0), arguments.get("anchor")
    if anchor is not None:
        if anchor not in found:
            raise MethodError("anchorNotFound")
        position = max(0, found.index(anchor) + int(arguments.get("anchorOffset") or 0))
    elif position < 0:
        position = max(0, len(found) + position)
    limit = MAX_RESULTS if limit is None else min(int(limit), MAX_RESULTS)
    out: Body = {"canCalculateChanges": True, "position": position, "ids": found[position : position + limit]}
    if arguments.get("calculateTotal"):
        out["total"] = len(found)
    if len(found) > limit:
        out["limit"] = limit
    return out
