# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What an export writes in the place of a secret, which cannot be read: it stands for what is there, and is never written. Pure."""

from __future__ import annotations

import typing as t

from ..failure import Failure

_START = "<secret: "


def placeholder(path: str) -> str:
    """What stands for the secret at that place."""
    return f"{_START}{path}>"


def is_placeholder(value: t.Any) -> bool:
    """Whether a value stands for a secret."""
    return isinstance(value, str) and value.startswith(_START) and value.endswith(">")


def placeholders(value: t.Any) -> t.Iterator[str]:
    """Every placeholder inside a value."""
    if isinstance(value, t.Mapping):
        for item in value.values():
            yield from placeholders(item)
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from placeholders(item)
    elif is_placeholder(value):
        yield value


def refuse_placeholders(values: t.Iterable[t.Any]) -> None:
    """:raises Failure: ``placeholder`` when something that is to be written holds one."""
    found = sorted({text for value in values for text in placeholders(value)})
    if found:
        named = ", ".join(text[len(_START) : -1] for text in found[:5])
        more = f" and {len(found) - 5} more" if len(found) > 5 else ""
        raise Failure(
            "stalwart",
            "placeholder",
            f"the server does not have these secrets yet, and an export's placeholder stands in their place: {named}{more}.",
            hint="Give the secrets themselves. Nothing was written.",
        )
