# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Nearest names for a misspelt one."""

from __future__ import annotations

import difflib
import typing as t

#: Longer lists help nobody in a one-line message.
MOST_LISTED = 12


def nearest(name: str, known: t.Iterable[str], count: int = 3) -> list[str]:
    """Up to ``count`` known names that resemble ``name``, best first; case does not count."""
    folded: dict[str, str] = {}
    for item in known:
        folded.setdefault(item.lower(), item)
    found = difflib.get_close_matches(name.lower(), list(folded), n=count, cutoff=0.6)
    needle = name.lower()
    if len(needle) >= 3:
        found += [
            item for item in folded if item not in found and (needle in item or item in needle) and len(item) >= 3
        ]
    return [folded[item] for item in found[:count]]


def did_you_mean(name: str, known: t.Iterable[str]) -> str:
    """``did you mean 'x' or 'y'?``, else what is accepted, as the end of a sentence."""
    names = list(known)
    close = nearest(name, names)
    if close:
        return "did you mean " + " or ".join(repr(item) for item in close) + "?"
    if 0 < len(names) <= MOST_LISTED:
        return "accepted: " + ", ".join(sorted(names)) + "."
    return ""
