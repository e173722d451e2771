"""The data store of a 0.15 server: settings and principals, every write in an SQLite file before it is acknowledged."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable
from pathlib import Path
from typing import Any

Body = dict[str, Any]


class Store:
    """:param path: the SQLite file, or None where no usable store is configured (then nothing survives)."""

    def __init__(self, path: Path | None) -> None:
        if path:
            path.parent.mkdir(parents=True, exist_ok=True)
        self.database = sqlite3.connect(str(path) if path else ":memory:", isolation_level=None)
        # The file survives a killed process; it need not survive a crash of the machine.
        self.database.execute("PRAGMA journal_mode = WAL")
        self.database.execute("PRAGMA synchronous = NORMAL")
        self.database.execute("CREATE TABLE IF NOT EXISTS setting (key TEXT PRIMARY KEY, value TEXT)")
        self.database.execute("CREATE TABLE IF NOT EXISTS principal (id INTEGER PRIMARY KEY, body TEXT)")
        self.database.execute("CREATE TABLE IF NOT EXISTS counter (name TEXT PRIMARY KEY, value INTEGER)")
        self.settings: dict[str, str] = dict(self.database.execute("SELECT key, value FROM setting"))
        rows = self.database.execute("SELECT id, body FROM principal ORDER BY id")
        self.principals: dict[int, Body] = {number: json.loads(body) for number, body in rows}
        self._counters: dict[str, int] = dict(self.database.execute("SELECT name, value FROM counter"))

    def close(self) -> None:
        self.database.close()

    # -- settings ------------------------------------------------------------------------------------------------

    def set(self, pairs: dict[str, str]) -> None:
        self._write("INSERT OR REPLACE INTO setting VALUES (?, ?)", pairs.items())
        self.settings |= pairs

    def unset(self, keys: Iterable[str]) -> None:
        present = [key for key in dict.fromkeys(keys) if key in self.settings]
        self._write("DELETE FROM setting WHERE key = ?", [(key,) for key in present])
        for key in present:
            del self.settings[key]

    # -- principals ----------------------------------------------------------------------------------------------

    def next_id(self) -> int:
        """Counted from 1 and never given again."""
        number = self._counters.get("principal", 0) + 1
        self._write("INSERT OR REPLACE INTO counter VALUES (?, ?)", [("principal", number)])
        self._counters["principal"] = number
        return number

    def put(self, bodies: dict[int, Body]) -> None:
        """Several principals at once: memberships lie on both sides."""
        rows = [(number, json.dumps(body)) for number, body in bodies.items()]
        self._write("INSERT OR REPLACE INTO principal VALUES (?, ?)", rows)
        self.principals |= bodies

    def remove(self, number: int) -> None:
        self._write("DELETE FROM principal WHERE id = ?", [(number,)])
        self.principals.pop(number, None)

    def _write(self, statement: str, rows: Iterable[tuple[Any, ...]]) -> None:
        with self.database:
            self.database.execute("BEGIN")
            self.database.executemany(statement, rows)
