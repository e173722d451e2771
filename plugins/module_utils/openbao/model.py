# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a KV version 2 engine holds, as values (OpenBao API documentation, "KV secrets engine - version 2")."""

from __future__ import annotations

import dataclasses
import typing as t

from ..failure import Failure

LAYER = "openbao"


@dataclasses.dataclass(frozen=True)
class Reference:
    """One property of one secret, written ``path#property``."""

    path: str
    property: str

    def __str__(self) -> str:
        return f"{self.path}#{self.property}"

    @classmethod
    def parse(cls, value: t.Any) -> Reference:
        """From ``path#property`` or a mapping with both keys.

        :raises Failure: ``invalid_value``.
        """
        if isinstance(value, t.Mapping):
            path, name = value.get("path"), value.get("property")
        elif isinstance(value, str):
            path, _separator, name = value.partition("#")
        else:
            path = name = None
        if not (isinstance(path, str) and isinstance(name, str) and path.strip("/") and name):
            raise Failure(
                LAYER,
                "invalid_value",
                f"{value!r} does not name a secret.",
                hint="Accepted are 'path#property' and a mapping with the keys path and property.",
            )
        return cls(path.strip("/"), name)


@dataclasses.dataclass(frozen=True)
class Secret:
    """The newest version of the secret at a path.

    :param version: 0 when the path has never been written; otherwise what ``cas`` must be for the next write.
    :param deleted: the newest version is soft-deleted or destroyed; ``data`` is empty then.
    """

    path: str
    version: int = 0
    deleted: bool = False
    data: t.Mapping[str, t.Any] = dataclasses.field(default_factory=dict, repr=False)


def secret_from_answer(path: str, status: int, body: t.Any) -> Secret:
    """The secret that an answer to ``GET /v1/<mount>/data/<path>`` stands for.

    404 with ``data.metadata`` is a deleted version, 404 without it a path that was never written.

    :raises Failure: ``protocol`` when the answer has another shape.
    """
    outer: t.Any = body.get("data") if isinstance(body, dict) else None
    if status == 404 and outer is None:
        return Secret(path)
    try:
        version = int(outer["metadata"]["version"])
        data = outer["data"]
    except (KeyError, TypeError, ValueError):
        raise Failure(
            LAYER,
            "protocol",
            f"the answer for {path!r} is not that of a KV version 2 engine.",
            hint="Check the mount (platform_openbao_mount).",
        ) from None
    if data is None:
        return Secret(path, version, deleted=True)
    return Secret(path, version, data=data)
