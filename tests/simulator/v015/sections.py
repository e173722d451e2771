"""Sections of which another key decides whether they are read (contract 0.15 section 3.6)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping

from . import values

Keys = Mapping[str, str]
#: (key, kind, complaint).
Found = Iterator[tuple[str, str, str]]

_MISSING = "Missing property"
_FACTORS = ("alpha", "beta", "l1", "l2")
_CLASSIFIER = "spam-filter.classifier"
_TOKEN = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")


def _wrong(keys: Keys, key: str, parse: Callable[[str], object]) -> Found:
    """The complaint about one optional value."""
    try:
        if key in keys:
            parse(keys[key])
    except ValueError as error:
        yield key, "parse", str(error)


def networks(keys: Keys) -> Found:
    """Where countries and networks of addresses come from. The server stops at the first thing that is missing."""
    kind = keys.get("asn.type", "none")
    if kind == "dns":
        yield from _by_name(keys)
    elif kind == "resource":
        yield from _by_resource(keys)
    elif kind not in ("disable", "disabled", "none", "false"):
        yield "asn.type", "build", "Invalid value"


def _by_name(keys: Keys) -> Found:
    for name in ("asn.zone.ipv4", "asn.zone.ipv6", "asn.separator"):
        if not keys.get(name, "").strip():
            yield name, "parse", _MISSING
            return
    if "asn.index.asn" not in keys:
        yield "asn.index.asn", "parse", _MISSING
        return
    wrong = [*_wrong(keys, "asn.index.asn", values.integer)]
    yield from wrong
    for name in () if wrong else ("asn.index.asn-name", "asn.index.country"):
        yield from _wrong(keys, name, values.integer)


def _by_resource(keys: Keys) -> Found:
    sources = ("asn.urls.asn", "asn.urls.geo")
    if not any(key in sources or key.startswith(tuple(f"{source}." for source in sources)) for key in keys):
        yield "asn.urls", "build", "No resources found"
        return
    for name in ("asn.expires", "asn.timeout"):
        wrong = [*_wrong(keys, name, values.seconds)]
        if wrong:
            yield from wrong
            return
    yield from _wrong(keys, "asn.max-size", values.integer)


def classifier(keys: Keys) -> Found:
    """Read whether the filter is on or not. The second model's own size is out of bounds unless it is given."""
    model = keys.get(f"{_CLASSIFIER}.model", "ftrl-fh")
    if model in ("disabled", "disable"):
        return
    if model not in ("ftrl-fh", "ftrl-ccfh"):
        yield f"{_CLASSIFIER}.model", "build", f"Invalid model type: {model}"
        return
    yield from _parameters(keys, f"{_CLASSIFIER}.parameters", "20")
    if model == "ftrl-ccfh":
        yield from _parameters(keys, f"{_CLASSIFIER}.parameters.ccfh", "1048574")


def _parameters(keys: Keys, prefix: str, usual: str) -> Found:
    wrong = {key: (kind, text) for key, kind, text in _wrong(keys, f"{prefix}.features", values.integer)}
    size = usual if wrong else keys.get(f"{prefix}.features", usual)
    if not 16 <= int(size) <= 28:
        wrong[f"{prefix}.features"] = "build", "Feature size must be between 2^16 and 2^28."
    yield from ((key, kind, text) for key, (kind, text) in wrong.items())
    for name in _FACTORS:
        yield from _wrong(keys, f"{prefix}.{name}", values.number)


def headers(keys: Keys) -> Found:
    """Of the server's own answers. The first wrong one is told, under the name of the list."""
    listed = sorted(key for key in keys if key == "http.headers" or key.startswith("http.headers."))
    wrong = [keys[key] for key in listed if not _is_header(keys[key])]
    if wrong:
        yield "http.headers", "parse", f'Invalid header found in property "http.headers": {wrong[0]}'


def _is_header(text: str) -> bool:
    name, colon, value = text.partition(":")
    printable = all(char == "\t" or (char >= " " and char != "\x7f") for char in value.strip())
    return bool(colon and printable and _TOKEN.fullmatch(name.strip()))
