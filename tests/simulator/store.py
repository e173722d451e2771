"""The data store: all objects in memory, every write in an SQLite file before it is acknowledged.

A killed process therefore keeps exactly what it answered. The real server commits per item as well (contract 3.1:
nothing is rolled back), so a `/set` that dies half-way leaves its first items behind.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from . import ids

#: Types whose ids are counted from 1; all others get time-ordered ids (contract 3.2).
COUNTED = frozenset({"Account", "Domain", "MailingList", "OAuthClient", "Role", "Tenant"})

Body = dict[str, Any]


class Store:
    """:param path: the SQLite file, or None for a store that is forgotten (bootstrap mode)."""

    def __init__(self, path: Path | None) -> None:
        self.path = path
        self.database = sqlite3.connect(str(path) if path else ":memory:", isolation_level=None)
        # The file survives a killed process; it need not survive a crash of the machine.
        self.database.execute("PRAGMA journal_mode = WAL")
        self.database.execute("PRAGMA synchronous = NORMAL")
        self.database.execute("CREATE TABLE IF NOT EXISTS object (type TEXT, id INTEGER, body TEXT, UNIQUE (type, id))")
        self.database.execute("CREATE TABLE IF NOT EXISTS counter (name TEXT PRIMARY KEY, value INTEGER)")
        self._objects: dict[str, dict[str, Body]] = {}
        for type_, number, body in self.database.execute("SELECT type, id, body FROM object ORDER BY type, id"):
            self._objects.setdefault(type_, {})[ids.encode(number)] = json.loads(body)
        self._counters: dict[str, int] = dict(self.database.execute("SELECT name, value FROM counter"))
        self._snowflakes = ids.Snowflakes(max((ids.decode(key) for key in self._keys()), default=0))

    def _keys(self) -> Iterator[str]:
        for type_, objects in self._objects.items():
            if type_ not in COUNTED:
                yield from (key for key in objects if key != ids.SINGLETON)

    def close(self) -> None:
        self.database.close()

    def all(self, type_: str) -> dict[str, Body]:
        """All objects of a type, ascending by id."""
        objects = self._objects.get(type_, {})
        return {key: objects[key] for key in sorted(objects, key=ids.decode)}

    def find(self, type_: str, key: str) -> Body | None:
        return self._objects.get(type_, {}).get(key)

    def types(self) -> list[str]:
        return sorted(self._objects)

    def new_id(self, type_: str) -> str:
        if type_ not in COUNTED:
            return self._snowflakes.next()
        number = self._counters.get(type_, 0) + 1
        self._counters[type_] = number
        return ids.encode(number)

    def put(self, type_: str, key: str, body: Body) -> None:
        with self.database:
            self.database.execute("BEGIN")
            self.database.execute(
                "INSERT OR REPLACE INTO object VALUES (?, ?, ?)", (type_, ids.decode(key), json.dumps(body))
            )
            if type_ in self._counters:
                self.database.execute("INSERT OR REPLACE INTO counter VALUES (?, ?)", (type_, self._counters[type_]))
        self._objects.setdefault(type_, {})[key] = body

    def remove(self, type_: str, key: str) -> None:
        with self.database:
            self.database.execute("DELETE FROM object WHERE type = ? AND id = ?", (type_, ids.decode(key)))
        self._objects.get(type_, {}).pop(key, None)
