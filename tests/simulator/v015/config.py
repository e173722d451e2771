"""Settings of one server: config.toml as it was at boot, and the data store (contract 0.15 sections 1.2 and 3)."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from pathlib import Path

from . import macros, toml
from .patterns import Patterns
from .problems import InternalError
from .store import Store

log = logging.getLogger("simulator.config")


class Config:
    """``file`` is read once: later edits of config.toml are not seen, and lost with the next write of a local key."""

    def __init__(self, path: Path, file: dict[str, str], store: Store) -> None:
        self.path, self.file, self.store = path, file, store
        self.patterns = Patterns(file)

    # -- reading -------------------------------------------------------------------------------------------------

    def get(self, key: str) -> str | None:
        """The raw text; config.toml wins, and an exact key is found wherever it lies."""
        return self.file.get(key, self.store.settings.get(key))

    def starting(self, prefix: str) -> dict[str, str]:
        """All keys below a raw prefix, full names, sorted. Local keys that lie in the store are not seen."""
        stored = {key: value for key, value in self.store.settings.items() if not self.patterns.is_local(key)}
        merged = stored | self.file
        return {key: merged[key] for key in sorted(merged) if key.startswith(prefix)}

    def resolved(self) -> tuple[dict[str, str], dict[str, str]]:
        """(the whole configuration with the macros of config.toml replaced, macro errors by key)."""
        file, errors = macros.resolve(self.file)
        return {key: file.get(key, value) for key, value in self.starting("").items()}, errors

    # -- writing -------------------------------------------------------------------------------------------------

    def set(self, pairs: Iterable[tuple[str, str]]) -> list[str]:
        """Overwrites; the keys whose value changed. Raises InternalError when config.toml cannot be written."""
        values = dict(pairs)
        changed = [key for key, value in values.items() if self._own(key) != value]
        self.store.set({key: value for key, value in values.items() if not self.patterns.is_local(key)})
        local = {key: value for key, value in values.items() if self.patterns.is_local(key)}
        if any(self.file.get(key) != value for key, value in local.items()):
            self._rewrite(self.file | local)
        return changed

    def clear(self, keys: Iterable[str]) -> list[str]:
        """Deletes exact keys where their class says they are; those that existed."""
        keys = list(keys)
        gone = [key for key in keys if self._own(key) is not None]
        self.store.unset(key for key in keys if not self.patterns.is_local(key))
        local = {key for key in gone if self.patterns.is_local(key)}
        if local:
            self._rewrite({key: value for key, value in self.file.items() if key not in local})
        return gone

    def clear_prefix(self, prefix: str) -> list[str]:
        """Everything that begins so, in config.toml regardless of its class and in the store."""
        local = [key for key in self.file if key.startswith(prefix)]
        stored = [key for key in self.store.settings if key.startswith(prefix)]
        if local:
            self._rewrite({key: value for key, value in self.file.items() if key not in local})
        self.store.unset(stored)
        return sorted({*local, *stored})

    def _own(self, key: str) -> str | None:
        """The value where a write of this key goes to, which is not always where a read looks first."""
        return self.file.get(key) if self.patterns.is_local(key) else self.store.settings.get(key)

    def _rewrite(self, file: dict[str, str]) -> None:
        self.file = file  # before the file is written: effective until the restart even if that fails
        try:
            self.path.write_text(toml.write(file), encoding="utf-8")
        except OSError as error:
            log.error("Failed to write local configuration %s: %s", self.path, error)
            raise InternalError("configuration write error") from None
