# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is wrong with a given value, as messages say it, and the checks of plain values that all drivers share. Pure."""

from __future__ import annotations

import ipaddress
import re
import typing as t

from ..failure import Failure
from ..redact import SHORTEST_SECRET

try:
    import idna
except ImportError:  # ASCII names need none; another one is refused with what to install.
    idna = None  # type: ignore[assignment]  # the guard of an optional library

_LABEL = r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
_HOST = re.compile(rf"{_LABEL}(?:\.{_LABEL})+\Z")


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
    listed += f"; and {len(problems) - 5} more" if len(problems) > 5 else ""
    end = "" if listed.endswith("?") else "."
    details = [{"key": p.key, "value": p.value, "message": p.message} for p in problems]
    raise Failure("stalwart", code, f"{subject}{listed}{end}", hint="Nothing was written.", details=details)


def shown(value: t.Any) -> str:
    """A value as a message may show it."""
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def host_name(text: str) -> str:
    """A host or domain name as the server stores it: lower case, A-labels (contract 8.1); what is none stays as it is."""
    lowered = text.strip().lower()
    if lowered.isascii() or idna is None:
        return lowered
    try:
        return str(idna.encode(lowered, uts46=True).decode("ascii"))
    except (idna.IDNAError, UnicodeError):
        return lowered


def host_name_fault(text: str) -> str:
    """Why no server takes a name that :func:`host_name` returned; empty for one that may do."""
    if not text.isascii():
        if idna is None:
            return "a name that is not ASCII needs the Python library idna (pip install idna)."
        return "an internationalised name must be valid IDNA 2008 (RFC 5891)."
    if _HOST.match(text) or _is_address(text):
        return ""
    return "expected a name of labels with dots between them, such as mail.example.org: no blanks, no scheme, no port."


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


__all__ = ["SHORTEST_SECRET", "Problem", "host_name", "host_name_fault", "refuse_problems", "shown"]
