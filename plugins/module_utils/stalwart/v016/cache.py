# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reduced schemas on disk, one file per hash: a hash names immutable content, so a file is never out of date."""

from __future__ import annotations

import contextlib
import json
import os
import re
import tempfile
import typing as t

from ...failure import Failure
from .schema import Schema

_HASH = re.compile(r"^[A-Za-z0-9_-]{16,128}$")
_PREFIX = "schema-0.16-"


def is_hash(text: str) -> bool:
    """Whether a redirect's last segment can be a schema hash (base64url); it becomes a file name."""
    return bool(_HASH.match(text))


class SchemaCache:
    """A folder of reduced schemas. Everything is best effort: without a writable folder each task fetches again.

    :param folder: none = ``$XDG_CACHE_HOME/tenantmail.stalwart`` (``~/.cache`` where that is not set).
    """

    def __init__(self, folder: t.Optional[str] = None) -> None:
        base = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
        self.folder = folder or os.path.join(base, "tenantmail.stalwart")

    def load(self, schema_hash: str) -> t.Optional[Schema]:
        """The schema of that hash, or none when it is not there or not readable."""
        return self._read(self._path(schema_hash), schema_hash)

    def newest(self) -> t.Optional[Schema]:
        """The schema that was used last; for a plan against a server that does not exist yet."""
        try:
            names = [name for name in os.listdir(self.folder) if name.startswith(_PREFIX) and name.endswith(".json")]
            paths = sorted((os.path.join(self.folder, n) for n in names), key=os.path.getmtime, reverse=True)
        except OSError:
            return None
        for path in paths:
            schema = self._read(path, os.path.basename(path)[len(_PREFIX) : -len(".json")])
            if schema is not None:
                return schema
        return None

    def store(self, reduced: t.Mapping[str, t.Any]) -> None:
        """Write a reduced schema; another process that writes the same one at once does no harm (rename is atomic)."""
        with contextlib.suppress(OSError):
            os.makedirs(self.folder, mode=0o700, exist_ok=True)
            handle, temporary = tempfile.mkstemp(dir=self.folder, prefix=".schema-", suffix=".tmp")
            try:
                with os.fdopen(handle, "w", encoding="utf-8") as stream:
                    json.dump(reduced, stream, separators=(",", ":"))
                os.replace(temporary, self._path(str(reduced["hash"])))
            except OSError:
                os.unlink(temporary)
                raise

    def touch(self, schema_hash: str) -> None:
        """Remember that this schema was used last."""
        with contextlib.suppress(OSError):
            os.utime(self._path(schema_hash))

    def _path(self, schema_hash: str) -> str:
        return os.path.join(self.folder, f"{_PREFIX}{schema_hash}.json")

    @staticmethod
    def _read(path: str, schema_hash: str) -> t.Optional[Schema]:
        try:
            with open(path, encoding="utf-8") as stream:
                reduced = json.load(stream)
            if reduced.get("hash") != schema_hash:
                return None
            return Schema(reduced)
        except (OSError, ValueError, KeyError, TypeError, AttributeError, Failure):
            # A torn, foreign or older file counts as missing: it is fetched again and overwritten.
            return None
