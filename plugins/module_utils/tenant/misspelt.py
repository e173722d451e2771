# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Variables of a host that nearly have the name of one of the collection's: Ansible ignores them without a word. Pure."""

from __future__ import annotations

import typing as t

from .argspec import PUBLIC, SET_BY_ROLES
from .validation import Problems

PREFIXES = ("tenant_", "platform_")


def candidates(names: t.Iterable[str]) -> list[str]:
    """The names that begin as the collection's do and are none of them; most hosts have none."""
    return ["".join(n) for n in names if n.startswith(PREFIXES) and n not in PUBLIC and n not in SET_BY_ROLES]


def check(names: t.Iterable[str], problems: Problems) -> None:
    """Note every misspelt variable by its name; its value may be a secret. Others are the operator's own."""
    for name in sorted(candidates(names)):
        guess = meant(name)
        if guess is not None:
            problems.unknown(name, guess)


def meant(name: str) -> str | None:
    """The public variable that this one nearly is.

    One mistake counts (a character left out, added or wrong, or two neighbours swapped) in the whole name, or one in each
    of its words. Two in one word would make another word of it: ``tenant_labels`` is no ``tenant_layers``.
    """
    lowered = name.lower()
    words = lowered.split("_")
    for known in sorted(PUBLIC):
        if _near(lowered, known):
            return known
        others = known.split("_")
        if len(words) == len(others) and all(map(_near, words, others)):
            return known
    return None


def _near(one: str, other: str) -> bool:
    while one and other and one[0] == other[0]:
        one, other = one[1:], other[1:]
    while one and other and one[-1] == other[-1]:
        one, other = one[:-1], other[:-1]
    return (len(one) <= 1 and len(other) <= 1) or (len(one) == 2 and one == other[::-1])
