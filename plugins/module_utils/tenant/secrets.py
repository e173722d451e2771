# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Keeps secrets out of the model: they are checked by name, and none may hide in what the model shows (design 9)."""

from __future__ import annotations

import typing as t

from ..openbao.argspec import AUTH as OPENBAO_AUTH
from ..openbao.argspec import AUTH_RULES as OPENBAO_AUTH_RULES
from ..redact import SHORTEST_SECRET, unclean
from .validation import Given, Problems, one_of, refuse_secret

#: Options and their fields that hold a secret.
SECRETS: tuple[tuple[str, ...], ...] = (
    ("platform_powerdns_api_key",),
    ("platform_keycloak_auth", "client_secret"),
    ("platform_keycloak_auth", "password"),
    ("platform_openbao_auth", "secret_id"),
    ("platform_openbao_auth", "token"),
    ("platform_openbao_auth", "jwt"),
    ("tenant_kubernetes", "api_key"),
    ("tenant_kubernetes", "password"),
    ("tenant_users", "password"),
)
_METHODS = OPENBAO_AUTH_RULES["required_if"]
KEYCLOAK_FIELDS = ("client_id", "client_secret", "username", "password")
_KEYCLOAK = "username and password (client_id is admin-cli then unless given), or client_id and client_secret"
_TOO_SHORT = (
    f"a secret of at least {SHORTEST_SECRET} characters (a shorter one cannot be masked in output), "
    "and not an empty one from a look-up that found nothing"
)
_UNCLEAN = (
    "a secret without white space at its ends and without control characters "
    "(a YAML block scalar ends in a newline: use |- instead of |)"
)


def _found(options: t.Mapping[str, t.Any]) -> t.Iterator[tuple[str, t.Any]]:
    for path in SECRETS:
        for name, value in _below(options, path):
            if value is not None:
                yield name, value


def _below(value: t.Any, path: tuple[str, ...], name: str = "") -> t.Iterator[tuple[str, t.Any]]:
    """What is at the path, with its name; of a list the same of each item."""
    if isinstance(value, (list, tuple)) and path:
        for index, item in enumerate(value):
            yield from _below(item, path, f"{name}[{index}]")
    elif not path:
        yield name, value
    elif isinstance(value, t.Mapping):
        yield from _below(value.get(path[0]), path[1:], f"{name}.{path[0]}" if name else path[0])


def values(options: t.Mapping[str, t.Any]) -> list[str]:
    """The secret values that are long enough to be masked."""
    return [str(value) for _name, value in _found(options) if len(str(value)) >= SHORTEST_SECRET]


def check(options: t.Mapping[str, t.Any], problems: Problems, *, offline: bool, powerdns: bool = False) -> None:
    """Note every secret that is too short, unclean or no text, and every credential that is missing or incomplete.

    :param offline: nothing is read or written, so a credential may be empty (a plan needs none).
    :param powerdns: the tenant's records are written to PowerDNS, which needs its key.
    """
    for name, value in _found(options):
        if offline and value == "":
            continue
        if value == "":
            problems.add(name, value, _TOO_SHORT)
        elif not isinstance(value, str) or len(value) < SHORTEST_SECRET:
            refuse_secret(problems, name, _TOO_SHORT)
        elif unclean(value):
            refuse_secret(problems, name, _UNCLEAN)
    if powerdns and not offline and options.get("platform_powerdns_api_key") is None:
        problems.add("platform_powerdns_api_key", None, "the key of PowerDNS's HTTP API, required for a free subdomain")
    _keycloak(options.get("platform_keycloak_auth"), problems, offline)
    _openbao(options.get("platform_openbao_auth"), problems, offline)


def _known_fields(variable: str, value: t.Any, known: t.Iterable[str], problems: Problems) -> bool:
    """Whether the value is a mapping; its unknown keys are noted by name only, for they may hold a secret."""
    known = list(known)
    if not isinstance(value, t.Mapping):
        refuse_secret(problems, variable, "a mapping with the keys " + ", ".join(known))
        return False
    for key in value:
        if key not in known:
            refuse_secret(problems, f"{variable}.{key}", "only the keys " + one_of(key, known))
    return True


def _keycloak(value: t.Any, problems: Problems, offline: bool) -> None:
    if value in (None, {}):
        if not offline:
            problems.add("platform_keycloak_auth", None, _KEYCLOAK)
        return
    if not _known_fields("platform_keycloak_auth", value, KEYCLOAK_FIELDS, problems):
        return
    if "" in (value.get("client_secret"), value.get("password")):
        return  # Noted as an empty secret.
    given = {key for key in KEYCLOAK_FIELDS if value.get(key)}
    if not offline and not given >= {"username", "password"} and not given >= {"client_id", "client_secret"}:
        refuse_secret(
            problems,
            "platform_keycloak_auth",
            f"{_KEYCLOAK}; given are {', '.join(sorted(given)) or 'none of them'}",
        )


def _openbao(value: t.Any, problems: Problems, offline: bool) -> None:
    if value in (None, {}):
        if not offline:
            methods = ", ".join(f"{method} (with {' and '.join(fields)})" for _key, method, fields in _METHODS)
            problems.add("platform_openbao_auth", None, f"method and its fields: {methods}")
        return
    if not _known_fields("platform_openbao_auth", value, OPENBAO_AUTH, problems):
        return
    method = value.get("method")
    if method not in OPENBAO_AUTH["method"]["choices"]:
        problems.add("platform_openbao_auth.method", method, one_of(method, OPENBAO_AUTH["method"]["choices"]))
        return
    for _key, wanted, needed in _METHODS:
        for field in needed:
            if wanted != method or offline:
                continue
            if value.get(field) is None or (value[field] == "" and not OPENBAO_AUTH[field].get("no_log")):
                # An empty secret is noted already.
                problems.add(f"platform_openbao_auth.{field}", value.get(field), f"required with method {method}")


def inline(given: Given | None, problems: Problems) -> None:
    """Note secrets written into settings (``secret:`` of Stalwart's SecretKey and SecretText variants).

    The model is a fact that output may show, and OpenBao is the source of every secret: settings refer to one.
    """
    if given is None:
        return
    for path in _inline_paths(given.value, given.variable):
        refuse_secret(
            problems,
            path,
            "no secret in the inventory's settings; refer to it: {'@type': EnvironmentVariable, variableName: …} "
            "or {'@type': File, filePath: …}",
        )


def _inline_paths(value: t.Any, path: str) -> t.Iterator[str]:
    if isinstance(value, t.Mapping):
        for key, below in value.items():
            if str(key).rpartition(".")[2] == "secret" and isinstance(below, str) and below:
                yield f"{path}.{key}"
            else:
                yield from _inline_paths(below, f"{path}.{key}")
    elif isinstance(value, (list, tuple)):
        for index, below in enumerate(value):
            yield from _inline_paths(below, f"{path}[{index}]")


def not_in(model: t.Any, options: t.Mapping[str, t.Any], problems: Problems) -> None:
    """Note every secret that is part of a value of the model: masking it would corrupt the model itself."""
    leaves = list(_leaves(model))
    for name, value in _found(options):
        if isinstance(value, str) and len(value) >= SHORTEST_SECRET and any(value in leaf for leaf in leaves):
            refuse_secret(problems, name, "a secret that is not part of a name (masking it would corrupt the output)")


def _leaves(value: t.Any) -> t.Iterator[str]:
    if isinstance(value, t.Mapping):
        for key, below in value.items():
            yield str(key)
            yield from _leaves(below)
    elif isinstance(value, (list, tuple)):
        for below in value:
            yield from _leaves(below)
    elif value is not None:
        yield str(value)
