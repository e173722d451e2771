"""Compares recorded answers of a real server with those of another one.

What differs from run to run (ids, times, tokens, keys, hashes) is learnt when first seen and has to stay consistent:
the same recorded value always stands for the same actual one and the other way round. Everything else must be equal.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

#: kind -> pattern with one group, the variable part. Kinds in SHAPE_ONLY need not be consistent.
_PATTERNS: dict[str, re.Pattern[str]] = {
    "time": re.compile(r"(?<![\w:])(\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z)"),
    "public-key": re.compile(r'(?:\bp=|^)((?:[A-Za-z0-9+/]|"\n {4}"){43}=|MII(?:[A-Za-z0-9+/=]|"\n {4}"){380,})'),
    "private-key": re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----(.*)-----END [A-Z ]*PRIVATE KEY-----", re.DOTALL),
    "credential": re.compile(r"^(app_[a-z0-9]{36}|API_[A-Za-z0-9_-]{38}|[A-Za-z0-9]{40})$"),
    "web-push-key": re.compile(r"^(B[A-Za-z0-9_-]{86})$"),
    "schema-hash": re.compile(r"^/api/schema/([A-Za-z0-9_-]{43})$"),
    "policy-id": re.compile(r"v=STSv1; id=(\d+)"),
    "configuration-hash": re.compile(r"v=UAAC1; a=sha256; d=([A-Za-z0-9+/]{43}=)"),
    "day": re.compile(r"\bv1-(?:rsa|ed25519)-(\d{8})\b"),
    "month": re.compile(r"^(\d{6})[re](?:$|\._domainkey\.)"),
    "action-id": re.compile(r"^(b[u-z792013][a-z792013]{5})$"),
    "object-id": re.compile(r"^([a-z792013]{12,13})$"),
}
_SHAPE_ONLY = frozenset({"time", "day", "month", "action-id", "private-key"})
#: Kinds whose length differs as well; private keys were elided from the recordings.
_ANY_LENGTH = frozenset({"policy-id", "private-key"})
_STATES = frozenset({"sessionState", "state"})
_HEX = re.compile(r"[0-9a-f]+")


@dataclass
class Exchange:
    """One recorded request with its answer."""

    file: str
    number: int
    step: str
    request: dict[str, Any]
    response: dict[str, Any]

    @property
    def label(self) -> str:
        return f"{self.file}:{self.number} {self.step}"


def read(path: Path) -> list[Exchange]:
    lines = path.read_text(encoding="utf-8").splitlines()
    records = [json.loads(line) for line in lines]
    return [
        Exchange(path.stem, number, record["step"], record["request"], record["response"])
        for number, record in enumerate(records, start=1)
    ]


@dataclass
class Comparison:
    """Learnt values and the rewriting of what the recording fixed and a replay cannot have (``replace``)."""

    replace: dict[str, str] = field(default_factory=dict)
    _actual: dict[tuple[str, str], str] = field(default_factory=dict)
    _recorded: dict[tuple[str, str], str] = field(default_factory=dict)

    # -- requests ------------------------------------------------------------------------------------------------

    def rewrite(self, value: Any, fill: Callable[[dict[str, Any]], dict[str, Any]] | None = None) -> Any:
        """A recorded request with this run's values. ``fill`` completes objects (elided private keys)."""
        if isinstance(value, dict):
            value = fill(value) if fill else value
            return {self._known(key): self.rewrite(item, fill) for key, item in value.items()}
        if isinstance(value, list):
            return [self.rewrite(item, fill) for item in value]
        return self._known(value) if isinstance(value, str) else value

    def _known(self, text: str) -> str:
        for recorded, actual in self.replace.items():
            text = text.replace(recorded, actual)
        return self._actual.get(("object-id", text), text)

    def snapshot(self) -> tuple[dict[tuple[str, str], str], dict[tuple[str, str], str]]:
        return dict(self._actual), dict(self._recorded)

    def restore(self, state: tuple[dict[tuple[str, str], str], dict[tuple[str, str], str]]) -> None:
        self._actual, self._recorded = dict(state[0]), dict(state[1])

    # -- answers -------------------------------------------------------------------------------------------------

    def differences(self, recorded: Any, actual: Any, path: str = "") -> list[str]:
        """Human-readable differences; empty when the answers are alike."""
        if isinstance(recorded, dict) and isinstance(actual, dict):
            return self._objects(recorded, actual, path)
        if isinstance(recorded, list) and isinstance(actual, list):
            if path.endswith("/permissions"):  # the order of a set of permissions means nothing
                recorded, actual = sorted(recorded), sorted(actual)
            if len(recorded) != len(actual):
                return [f"{path}: {len(recorded)} items recorded, got {len(actual)}"]
            pairs = enumerate(zip(recorded, actual, strict=True))
            return [line for index, pair in pairs for line in self.differences(*pair, f"{path}/{index}")]
        if isinstance(recorded, str) and isinstance(actual, str):
            return self._texts(recorded, actual, path)
        same = recorded == actual and isinstance(recorded, bool) == isinstance(actual, bool)
        return [] if same else [f"{path}: recorded {recorded!r}, got {actual!r}"]

    def _objects(self, recorded: dict[str, Any], actual: dict[str, Any], path: str) -> list[str]:
        out = []
        remaining = dict(actual)
        for key, item in recorded.items():
            wanted = self._known(key)
            if wanted in remaining:
                out += self.differences(item, remaining.pop(wanted), f"{path}/{key}")
            else:
                out.append(f"{path}/{key}: missing, recorded {item!r}")
        return out + [f"{path}/{key}: not recorded, got {item!r}" for key, item in remaining.items()]

    def _texts(self, recorded: str, actual: str, path: str) -> list[str]:
        for old, new in self.replace.items():
            recorded = recorded.replace(old, new)
        if path.rpartition("/")[2] in _STATES and _HEX.fullmatch(recorded) and _HEX.fullmatch(actual):
            learnt = recorded == actual == "0" or self._learn("state", recorded, actual)
            return [] if learnt else [f"{path}: state {recorded!r} became {actual!r}"]
        template, values = _split(recorded)
        actual_template, actual_values = _split(actual)
        if template != actual_template:
            return [f"{path}: recorded {recorded!r}, got {actual!r}"]
        for (kind, old), (_, new) in zip(values, actual_values, strict=True):
            if kind not in _SHAPE_ONLY and not self._learn(kind, old, new):
                return [f"{path}: {kind} {old!r} stands for another value than {new!r}"]
        return []

    def _learn(self, kind: str, recorded: str, actual: str) -> bool:
        known = self._actual.setdefault((kind, recorded), actual)
        return known == actual and self._recorded.setdefault((kind, actual), recorded) == recorded


def _split(text: str) -> tuple[str, list[tuple[str, str]]]:
    """(text with the variable parts named, [(kind, value)]). Line breaks inside a long TXT value stay in the template."""
    values: list[tuple[str, str]] = []
    text = text.rstrip("\n") if text.startswith("-----BEGIN") else text  # the recordings lost it with the key
    for kind, pattern in _PATTERNS.items():

        def name(match: re.Match[str], kind: str = kind) -> str:
            pieces = match[1].split('"\n    "')
            values.append((kind, "".join(pieces)))
            shape = "" if kind in _ANY_LENGTH else ",".join(str(len(piece)) for piece in pieces)
            start, end = match.start(1) - match.start(), match.end(1) - match.start()
            return f"{match[0][:start]}<{kind} {shape}>{match[0][end:]}"

        text = pattern.sub(name, text)
    return text, values
