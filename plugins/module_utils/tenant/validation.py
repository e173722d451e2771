# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Collects every mistake of an inventory, so that all of them are reported at once (design 5)."""

from __future__ import annotations

import dataclasses
import difflib
import json
import re
import typing as t

from ..failure import Failure
from ..redact import MASK, without_userinfo
from ..stalwart.secrets import is_secret_key

LAYER = "inventory"
#: A longer value is cut in the sentence; ``failure.details`` has it whole.
MAX_SHOWN = 120
#: The variable that lists the operator's own ones.
OWN = "platform_own_variables"

ValueT = t.TypeVar("ValueT")

#: Ends of names of values that are secrets, beside the names of the server's own; ``clientSecretName`` and
#: ``tenant_certificate_secret``, which names a Kubernetes Secret, are none.
_SECRET_NAME = re.compile(
    r"(?:passw(?:or)?d|(?<!certificate_)secret|token|jwt|(?:api|private)_?key|credential)s?(?:\[\d+\])*\Z",
    re.IGNORECASE,
)


class Invalid(ValueError):
    """A value is not accepted; the text says what is accepted."""

    @property
    def accepted(self) -> str:
        """What would have been accepted, as a noun phrase."""
        return str(self.args[0])


@dataclasses.dataclass(frozen=True)
class Given:
    """A value together with the place it came from (``tenant_domain`` or ``tenant_overlay.domain.primary``)."""

    variable: str
    value: t.Any


@dataclasses.dataclass(frozen=True)
class Problem:
    """One mistake: where, what was given, what is accepted.

    :param value: what was given; the mask for a secret, None when nothing was given.
    :param sentence: how the message says it, where ``<variable> is <value>`` would say too much or too little.
    """

    variable: str
    value: t.Any
    accepted: str
    sentence: str | None = None

    def as_dict(self) -> dict[str, t.Any]:
        """One item of ``failure.details``."""
        return {"variable": self.variable, "value": self.value, "accepted": self.accepted}

    def __str__(self) -> str:
        if self.sentence is not None:
            return self.sentence
        given = "missing" if self.value is None else shown(self.value)
        end = "" if self.accepted.endswith("?") else "."
        return f"{self.variable} is {given}; accepted: {self.accepted}{end}"


def shown(value: t.Any) -> str:
    """A value for a sentence: on one line and not endless."""
    value = masked(value)
    if isinstance(value, (str, int, float, bool, list, tuple, dict)):
        text = json.dumps(value, ensure_ascii=False, default=str)
    else:
        text = str(value)
    return text if len(text) <= MAX_SHOWN else text[:MAX_SHOWN] + "…"


def masked(value: t.Any, name: str = "") -> t.Any:
    """The value without anything that its name calls a secret: whoever misplaces one must not find it in a log."""
    if isinstance(value, t.Mapping):
        return {str(key): masked(below, str(key)) for key, below in value.items()}
    if isinstance(value, (list, tuple)):
        return [masked(below, name) for below in value]
    if value is None or value == "" or isinstance(value, bool):
        return value
    if _SECRET_NAME.search(name) or is_secret_key(name):
        return MASK
    return without_userinfo(value) if isinstance(value, str) else value


def nearest(word: t.Any, known: t.Iterable[str]) -> str | None:
    """The known word that looks most like the given one, if any does."""
    by_lower = {candidate.lower(): candidate for candidate in known}
    found = difflib.get_close_matches(str(word).lower(), by_lower, n=1, cutoff=0.6)
    return by_lower[found[0]] if found else None


def one_of(word: t.Any, known: t.Sequence[str]) -> str:
    """What is accepted where only some words are, with the nearest one offered."""
    text = ", ".join(known)
    guess = nearest(word, known) if len(known) > 1 else None
    return f"{text}; did you mean {guess}?" if guess else text


class Problems:
    """The mistakes found so far."""

    def __init__(self) -> None:
        self._items: list[Problem] = []

    def __len__(self) -> int:
        return len(self._items)

    def __iter__(self) -> t.Iterator[Problem]:
        return iter(self._items)

    def add(self, variable: str, value: t.Any, accepted: str) -> None:
        """Note one mistake (the same one only once)."""
        problem = Problem(variable, masked(value, variable), accepted)
        if problem not in self._items:
            self._items.append(problem)

    def told(self, variable: str, value: t.Any, accepted: str, sentence: str) -> None:
        """Note a mistake in the words of whoever found it."""
        problem = Problem(variable, masked(value, variable), accepted, sentence)
        if problem not in self._items:
            self._items.append(problem)

    def refuse(self, variable: str, value: t.Any, accepted: str) -> None:
        """Note a value that was given, null too: it stands for something else there than for "not given"."""
        if value is None:
            problem = Problem(variable, None, accepted, f"{variable} is null; accepted: {accepted}.")
            if problem not in self._items:
                self._items.append(problem)
        else:
            self.add(variable, value, accepted)

    def unknown(self, variable: str, guess: str) -> None:
        """Note a variable that nothing reads; its value, which may be a secret, is never kept."""
        sentence = f"{variable}: no variable of this collection; did you mean {guess}? If not, add it to {OWN}."
        self._items.append(Problem(variable, MASK, guess, sentence))

    def check(self, given: Given | None, parse: t.Callable[[t.Any], ValueT]) -> ValueT | None:
        """The parsed value; None when nothing was given or when it was refused (and noted)."""
        if given is None:
            return None
        try:
            return parse(given.value)
        except Invalid as exc:
            self.add(given.variable, given.value, exc.accepted)
            return None

    def items(self, given: Given | None, parse: t.Callable[[t.Any], ValueT]) -> list[ValueT]:
        """A list, every item parsed; each refused one is noted with its index."""
        if given is None:
            return []
        if not isinstance(given.value, (list, tuple)):
            self.add(given.variable, given.value, "a list")
            return []
        found = [self.check(Given(f"{given.variable}[{i}]", item), parse) for i, item in enumerate(given.value)]
        return [item for item in found if item is not None]

    def fields(self, given: Given | None, known: t.Mapping[str, t.Callable[[t.Any], t.Any]]) -> dict[str, t.Any]:
        """A mapping with known keys, every value parsed; unknown keys and refused values are noted, None is skipped."""
        if given is None:
            return {}
        if not isinstance(given.value, t.Mapping):
            self.add(given.variable, given.value, "a mapping with the keys " + ", ".join(known))
            return {}
        result: dict[str, t.Any] = {}
        for key, value in given.value.items():
            where = f"{given.variable}.{key}"
            if key not in known:
                self.add(where, value, "only the keys " + one_of(key, list(known)))
            elif value is not None:
                parsed = self.check(Given(where, value), known[key])
                if parsed is not None:
                    result[key] = parsed
        return result

    def raise_if_any(self, tenant: str | None = None) -> None:
        """Refuse the inventory when there is at least one mistake.

        :raises Failure: ``invalid_value`` in layer ``inventory``; ``details`` lists every mistake.
        """
        if not self._items:
            return
        count = len(self._items)
        head = "1 value is not accepted" if count == 1 else f"{count} values are not accepted"
        raise Failure(
            LAYER,
            "invalid_value",
            f"{head}: " + " ".join(f"({i}) {problem}" for i, problem in enumerate(self._items, 1)),
            hint="Correct the inventory and run again; nothing has been read or written yet.",
            details=[problem.as_dict() for problem in self._items],
            tenant=tenant,
        )


def refuse_secret(problems: Problems, variable: str, why: str) -> None:
    """Note a mistake in a secret by its name; the value is never kept."""
    problems.add(variable, MASK, why)
