# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Values that mean something to the server beside their text (contract 1.1, 4.1). Pure."""

from __future__ import annotations

import ipaddress
import re
import typing as t

from ..v016.texts import ip_text
from .codecs import Codec, Items, Keys, Url, Wrong

#: RFC 9110 section 5.6.2.
_HEADER = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+\Z")


class Secret(Codec):
    """A secret: a text, or ``{"@type": Value, secret: …}``; 0.15 hands it out in clear, so it can be compared."""

    accepted = "a secret of at least 8 characters, as a text or as {'@type': Value, secret: …}"
    secret = True

    def check(self, value: t.Any) -> t.Any:
        if isinstance(value, t.Mapping):
            kind = value.get("@type")
            if kind in ("EnvironmentVariable", "File"):
                raise Wrong("0.15 does not expand references in its store: give the value.")
            if kind != "Value" or set(value) != {"@type", "secret"}:
                raise Wrong(f"expected {self.accepted}.")
            value = value["secret"]
        if not isinstance(value, str) or len(value) < 8:
            raise Wrong(f"expected {self.accepted}.")
        return value


class Address(Codec):
    """An IP address or network in canonical form; 0.15 takes none larger than /8, and no zone."""

    accepted = "an IP address or network"
    _SHORTEST = 8

    def check(self, value: t.Any) -> t.Any:
        try:
            text = ip_text(str(value))
        except ValueError:
            raise Wrong(f"expected {self.accepted}.") from None
        if "%" in text:
            raise Wrong("0.15 takes no address with a zone.")
        if ipaddress.ip_network(text).prefixlen < self._SHORTEST:
            raise Wrong(f"0.15 takes networks of /{self._SHORTEST} and smaller; give several.")
        return text


class Moment(Codec):
    """A time of which 0.15 only knows whether it is past."""

    accepted = "a time in UTC such as 2030-01-31T00:00:00Z, or null"
    _FORM = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ\Z")

    def check(self, value: t.Any) -> t.Any:
        if value is not None and not (isinstance(value, str) and self._FORM.match(value)):
            raise Wrong(f"expected {self.accepted}.")
        return value


class Headers(Items):
    """A mapping of header names to values, stored as a list of ``Name: value``. A name that is not given stays as it is."""

    def __init__(self) -> None:
        super().__init__(default={})
        self.members = True
        self.accepted = "a mapping of header names to texts of one line"

    def check(self, value: t.Any) -> t.Any:
        if not isinstance(value, t.Mapping) or not all(
            isinstance(text, str) and _HEADER.match(str(name)) and text.isprintable() for name, text in value.items()
        ):
            raise Wrong(f"expected {self.accepted}.")
        return {str(name): text.strip() for name, text in sorted(value.items())}

    def merge(self, current: t.Any, value: t.Any) -> t.Any:
        return dict(sorted({**current, **value}.items()))

    def named(self, value: t.Any) -> list[str]:
        if not isinstance(value, t.Mapping) or any(text is not None for text in value.values()):
            raise Wrong("a map's keys are removed whole; give null.")
        return sorted(map(str, value))

    def without(self, current: t.Any, gone: t.Sequence[str]) -> t.Any:
        return {name: text for name, text in current.items() if name not in gone}

    def encode(self, key: str, value: t.Any) -> Keys:
        return super().encode(key, [f"{name}: {text}" for name, text in value.items()])

    def decode(self, key: str, owned: t.Mapping[str, str]) -> t.Any:
        pairs = (owned[name].partition(":") for name in sorted(owned))
        return {name.strip(): text.strip() for name, _colon, text in sorted(pairs)}


class Issuer(Url):
    """A realm's issuer, stored as the URL of its userinfo endpoint: 0.15 does no discovery (contract 4.1).

    The path is Keycloak's; for another provider, give the endpoint itself in the native vocabulary.
    """

    _PATH = "/protocol/openid-connect/userinfo"

    def check(self, value: t.Any) -> t.Any:
        return super().check(value).rstrip("/")

    def _text(self, value: t.Any) -> str:
        return f"{value}{self._PATH}"

    def _value(self, text: str) -> t.Any:
        return text[: -len(self._PATH)] if text.endswith(self._PATH) else text


class RulesUrl(Url):
    """Where spam rules come from; null = from nowhere.

    0.15 fetches them at a start where ``version.spam-filter`` is missing (contract 1.1), so null is a version that any
    published one follows. Nothing stored is the publisher's own place, which each generation has in its own format.
    """

    accepted = "a URL or null"
    VERSION = "version.spam-filter"
    PUBLISHED = "https://github.com/stalwartlabs/spam-filter/releases/latest/download/spam-filter-rules.json.gz"
    #: Versions that any published one follows: what null stores, and what a file without rules has, from which the server
    #: takes no 0.0.0. Such a file is how a config.toml keeps a first start from fetching any.
    NOWHERE = ("0.0.0", "0.0.1")
    none = NOWHERE[0]

    def __init__(self) -> None:
        super().__init__(self.PUBLISHED)

    def check(self, value: t.Any) -> t.Any:
        return None if value is None else super().check(value)

    def encode(self, key: str, value: t.Any) -> Keys:
        if value is None:
            return {self.VERSION: self.none}
        return {} if value == self.PUBLISHED else {key: str(value)}

    def owned(self, key: str, stored: t.Mapping[str, str]) -> Keys:
        return {name: stored[name] for name in (key, self.VERSION) if name in stored}

    def decode(self, key: str, owned: t.Mapping[str, str]) -> t.Any:
        nowhere = owned.get(self.VERSION) in self.NOWHERE
        if key in owned and not (nowhere and owned[key].startswith("file:")):
            return owned[key]
        return None if nowhere else self.PUBLISHED

    def reads(self, key: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
        return (key, self.VERSION), ()


class Mapping(Codec):
    """A mapping with ``@type``, whose parts its own module checks."""

    accepted = "a mapping with @type"

    def check(self, value: t.Any) -> t.Any:
        if not isinstance(value, t.Mapping):
            raise Wrong(f"expected {self.accepted}.")
        return dict(value)


class DirectoryLabel(Codec):
    """The default directory; null = the internal one, whose id the server's own keys tell."""

    accepted = "a directory's label or null"

    def check(self, value: t.Any) -> t.Any:
        return None if value is None else super().check(value)
