"""The write log: one line per `/set` operation, so that tests can prove that nothing was written. No values in it."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from . import formats

FILE = "simulator-writes.jsonl"


@dataclass
class WriteLog:
    folder: Path | None
    entries: list[dict[str, Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        if self.folder and (self.folder / FILE).exists():
            text = (self.folder / FILE).read_text(encoding="utf-8")
            self.entries = [json.loads(line) for line in text.splitlines() if line]

    def add(self, object_: str, operation: str, user: str, **outcome: list[str]) -> None:
        """:param outcome: ids by what became of them: ``changed``, ``unchanged``, ``refused``."""
        entry: dict[str, Any] = {"time": formats.now(), "object": object_, "op": operation, "user": user}
        entry |= {name: keys for name, keys in outcome.items() if keys}
        self.entries.append(entry)
        if self.folder:
            with (self.folder / FILE).open("a", encoding="utf-8") as file:
                file.write(json.dumps(entry) + "\n")
