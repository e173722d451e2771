"""`x:<Object>/query` (contract 3.10), its paging quirk included."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from . import formats, ids, keys
from .behaviour import Body
from .errors import MethodError

if TYPE_CHECKING:
    from .registry import Registry

MAX_RESULTS = 5000
_COMPARISONS = {
    "IsGreaterThanOrEqual": lambda left, right: left >= right,
    "IsLessThanOrEqual": lambda left, right: left <= right,
    "IsGreaterThan": lambda left, right: left > right,
    "IsLessThan": lambda left, right: left < right,
}


def run(registry: Registry, type_: str, objects: dict[str, Body], arguments: Body) -> Body:
    """:param objects: the candidates, by id."""
    tests = _conditions(registry, type_, arguments.get("filter") or {})
    rendered = {key: registry.render(type_, key, body) for key, body in objects.items()} if tests else objects
    found = [key for key in objects if all(_matches(type_, rendered[key], *test) for test in tests)]
    found.sort(key=ids.decode)
    order, ascending = _sort(type_, arguments.get("sort"))
    if order != "id":
        found.sort(key=lambda key: (str(objects[key].get(order) or ""), ids.decode(key)), reverse=not ascending)
    elif _pages_first(arguments):
        return _answer(_first_page(found, arguments, ascending), 0)
    elif not ascending:
        found.reverse()
    position = _position(found, arguments)
    limit = min(_limit(arguments), MAX_RESULTS)
    out = _answer(found[position : position + limit], position)
    if arguments.get("calculateTotal"):
        out["total"] = len(found)
    if len(found) > limit:
        out["limit"] = limit
    return out


def _answer(page: list[str], position: int) -> Body:
    return {"queryState": "n", "canCalculateChanges": True, "position": position, "ids": page}


def _limit(arguments: Body) -> int:
    limit = arguments.get("limit")
    return MAX_RESULTS if limit is None else int(limit)


def _pages_first(arguments: Body) -> bool:
    """Sorted by id, without a total and without an explicit position 0, the page is cut before it is sorted."""
    position = arguments.get("position")
    return (
        not arguments.get("calculateTotal") and not arguments.get("anchorOffset") and (position is None or position > 0)
    )


def _first_page(found: list[str], arguments: Body, ascending: bool) -> list[str]:
    """The limit counts ascending ids, whatever the order asked for; neither limit nor position show in the answer."""
    start = int(arguments.get("position") or 0)
    if arguments.get("anchor") is not None:
        start = sum(ids.decode(key) <= ids.decode(arguments["anchor"]) for key in found)
    page = found[start : start + min(max(_limit(arguments), 1), MAX_RESULTS)]
    return page if ascending else page[::-1]


def _position(found: list[str], arguments: Body) -> int:
    position, anchor = int(arguments.get("position") or 0), arguments.get("anchor")
    if anchor is not None:
        if anchor not in found:
            raise MethodError(
                "anchorNotFound", "An anchor argument was supplied, but it cannot be found in the results of the query."
            )
        return max(0, found.index(anchor) + int(arguments.get("anchorOffset") or 0))
    return max(0, len(found) + position) if position < 0 else position


def _sort(type_: str, sort: Any) -> tuple[str, bool]:
    """(property, ascending). Only the first comparator counts; the default is id, descending."""
    if not sort:
        return "id", False
    name = sort[0].get("property")
    texts = keys.TEXT.get(type_, {})
    if name != "id" and (name not in keys.FILTERS.get(type_, ()) or name in texts):
        raise MethodError("unsupportedSort", f"Property {name} is not supported for sorting")
    return name, bool(sort[0].get("isAscending", True))


def _conditions(registry: Registry, type_: str, filter_: Body) -> list[tuple[str, str, Any]]:
    """(property, comparison suffix or "", wanted value), ANDed."""
    if "operator" in filter_:
        if filter_["operator"] != "AND":
            raise MethodError("unsupportedFilter", "Only AND is supported in filters")
        return [test for part in filter_.get("conditions", []) for test in _conditions(registry, type_, part)]
    out = []
    for name, value in filter_.items():
        suffix = next((suffix for suffix in _COMPARISONS if name.endswith(suffix)), "")
        base = name.removesuffix(suffix) if suffix else name
        if base not in keys.FILTERS.get(type_, ()) or not _acceptable(base, value):
            known = registry.tables.known_property(base) or base in ("text", "@type")
            reason = f"Filter on property {base} is not supported or invalid" if known else name
            raise MethodError("unsupportedFilter", reason)
        out.append((base, suffix, value))
    return out


def _acceptable(name: str, value: Any) -> bool:
    if not isinstance(value, str):
        return False
    if name == "address":
        try:
            formats.ip_network(value)
        except ValueError:
            return False
    if name == "@type":
        return value in ("User", "Group")
    return not name.endswith(("Id", "Ids")) or ids.valid(value)


def _matches(type_: str, body: Body, name: str, suffix: str, wanted: Any) -> bool:
    properties = keys.TEXT.get(type_, {}).get(name)
    if properties:
        words = _words(" ".join(_text(body.get(part)) for part in properties))
        return bool(_words(str(wanted))) and _words(str(wanted)) <= words
    actual = body.get(name)
    if suffix:
        return actual is not None and bool(_COMPARISONS[suffix](actual, wanted))
    if isinstance(actual, dict):
        return wanted in actual
    return bool(actual == wanted)


def _text(value: Any) -> str:
    if isinstance(value, dict):
        return " ".join([*map(str, value), *map(_text, value.values())])
    return value if isinstance(value, str) else ""


def _words(text: str) -> set[str]:
    return {word for word in re.split(r"[^\w]+", text.lower()) if len(word) > 1}
