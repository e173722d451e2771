"""Which keys are local, i.e. kept in config.toml (contract 0.15 section 1.2)."""

from __future__ import annotations

import re
from collections.abc import Mapping

_OWN = "config.local-keys"
_DEFAULT = """
store.* directory.* tracer.* !server.blocked-ip.* !server.allowed-ip.* server.* certificate.* config.local-keys.*
authentication.fallback-admin.* cluster.* storage.data storage.blob storage.lookup storage.fts storage.directory
enterprise.license-key
""".split()


class Patterns:
    """`abc*` prefix, `*abc` suffix, `a*b` glob, else exact; a leading `!` excludes and wins."""

    def __init__(self, keys: Mapping[str, str]) -> None:
        """:param keys: the configuration that may hold `config.local-keys`; an own list replaces the defaults."""
        own = [value.strip().lower() for key, value in sorted(keys.items()) if key.startswith(_OWN)]
        own = [value for value in own if value.strip("! ")]
        patterns = [*own, f"{_OWN}.*"] if own else _DEFAULT
        self._excluded = [_compiled(text[1:].strip()) for text in patterns if text.startswith("!")]
        self._included = [_compiled(text) for text in patterns if not text.startswith("!")]

    def is_local(self, key: str) -> bool:
        if any(pattern.fullmatch(key) for pattern in self._excluded):
            return False
        return any(pattern.fullmatch(key) for pattern in self._included)


def _compiled(text: str) -> re.Pattern[str]:
    return re.compile(".*".join(re.escape(part) for part in text.split("*")), re.DOTALL)
