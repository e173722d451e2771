# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is wrong with a given value, as messages say it, and the checks of plain values that all drivers share. Pure."""

from __future__ import annotations

import typing as t

from ..failure import Failure
from ..redact import SHORTEST_SECRET


class Problem(t.NamedTuple):
    """One thing that is wrong with what was given."""

    key: str
    value: str
    message: str

    def __str__(self) -> str:
        shown = f" (given: {self.value})" if self.value else ""
        return f"{self.key}{shown}: {self.message}"


def refuse_problems(problems: t.Sequence[Problem], code: str = "invalid_value", *, subject: str = "") -> None:
    """:raises Failure: naming the problems, the first five of them in its message, unless there are none."""
    if not problems:
        return
    listed = "; ".join(str(problem).rstrip(".") for problem in problems[:5])
    more = f"; and {len(problems) - 5} more" if len(problems) > 5 else ""
    details = [{"key": p.key, "value": p.value, "message": p.message} for p in problems]
    raise Failure("stalwart", code, f"{subject}{listed}{more}.", hint="Nothing was written.", details=details)


def shown(value: t.Any) -> str:
    """A value as a message may show it."""
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def host_name(text: str) -> str:
    """A host or domain name as the server stores it: lower case, A-labels (contract 8.1)."""
    lowered = text.strip().lower()
    try:
        return lowered if lowered.isascii() else lowered.encode("idna").decode("ascii")
    except UnicodeError:
        return lowered


__all__ = ["SHORTEST_SECRET", "Problem", "host_name", "refuse_problems", "shown"]
