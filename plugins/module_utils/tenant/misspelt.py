# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Variables of a host that nearly have the name of one of the collection's: Ansible ignores them without a word. Pure."""

from __future__ import annotations

import typing as t

from .argspec import PUBLIC, SET_BY_ROLES
from .overlay import Inputs
from .validation import OWN, Invalid, Problems

PREFIXES = ("tenant_", "platform_")
#: A word of this length or less has too many neighbours that are words themselves: ``ns`` and ``dns``, ``ci`` and ``ca``.
SHORT = 3


def candidates(names: t.Iterable[t.Any]) -> list[str]:
    """The names that begin as the collection's do and are none of them; most hosts have none.

    :param names: of the host's variables; YAML has keys that are no text.
    """
    texts = ("".join(name) for name in names if isinstance(name, str) and name.startswith(PREFIXES))
    return [name for name in texts if name not in PUBLIC and name not in SET_BY_ROLES]


def check(names: t.Iterable[t.Any], inputs: Inputs, problems: Problems) -> None:
    """Note every misspelt variable by its name; its value may be a secret. Others are the operator's own."""
    own = set(problems.items(inputs.given(OWN), _name))
    for name in sorted(set(candidates(names)) - own):
        guess = meant(name)
        if guess is not None:
            problems.unknown(name, guess)


def _name(value: t.Any) -> str:
    if not isinstance(value, str):
        raise Invalid("the name of a variable")
    return "".join(value)


def meant(name: str) -> str | None:
    """The public variable that this one nearly is.

    One mistake counts (a character left out, added or wrong, or two neighbours swapped) in each of its words, and one
    underscore. Two in one word would make another word of it: ``tenant_labels`` is no ``tenant_layers``. In a short word
    only a swap counts.
    """
    lowered = name.lower()
    words = lowered.split("_")
    for known in sorted(PUBLIC):
        others = known.split("_")
        if len(words) == len(others):
            if _swapped(lowered, known) or all(map(_same_word, words, others)):
                return known
        elif near(lowered, known):
            return known
    return None


def _same_word(one: str, known: str) -> bool:
    return one == known or _swapped(one, known) or (len(known) > SHORT and near(one, known))


def _swapped(one: str, other: str) -> bool:
    left, right = _difference(one, other)
    return len(left) == 2 and left == right[::-1]


def near(one: str, other: str) -> bool:
    """Whether one character is left out, added or wrong, or two neighbours are swapped."""
    left, right = _difference(one, other)
    return (len(left) <= 1 and len(right) <= 1) or (len(left) == 2 and left == right[::-1])


def _difference(one: str, other: str) -> tuple[str, str]:
    """What is left of each without what they begin and end with in common."""
    while one and other and one[0] == other[0]:
        one, other = one[1:], other[1:]
    while one and other and one[-1] == other[-1]:
        one, other = one[:-1], other[:-1]
    return one, other
