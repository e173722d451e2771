"""Prints docs/vocabulary-0.15.md from the translation table: ``python -m tests.tools.vocabulary > docs/vocabulary-0.15.md``."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator

from ansible_collections.tenantmail.stalwart.plugins.module_utils.stalwart.v015.expression import Expression
from ansible_collections.tenantmail.stalwart.plugins.module_utils.stalwart.v015.localkeys import LocalKeys
from ansible_collections.tenantmail.stalwart.plugins.module_utils.stalwart.v015.table import (
    DOMAIN,
    OBJECTS,
    OTHERS,
    SINGLETONS,
    why_not,
)
from ansible_collections.tenantmail.stalwart.plugins.module_utils.stalwart.v015.vocabulary import ID, Kind, Row

HEAD = """# Settings on Stalwart 0.15

<!-- Printed from the code by `python -m tests.tools.vocabulary`; a unit test holds it equal. -->

`stalwart_settings` takes the names of Stalwart 0.16 on both generations. This is how a server of 0.15 gets them: the canonical
name, the key (or keys) it becomes, what is accepted, and what the server assumes where nothing is stored. `<id>` is the object's label.

* A name without a key has no counterpart. It is refused with the code `unsupported_by_generation`, all such names at once, unless its
  value is what 0.15 does anyway (named below), or `on_unsupported: report` accepts that it has no effect.
* A name that is not listed is refused, too. `vocabulary: native` takes 0.15's own keys instead, nested or dotted: lists become
  `key.0000`, `key.0001`, …; an expression is a text, a mapping with `match` and `else`, or the list form; `null` stores nothing.
* A key that the server keeps in its config.toml (`config.local-keys`) is compared, never written. With the server's own patterns these
  are the keys marked *file*. A list of patterns that leaves `directory.*` (but `directory.internal.*`) and `storage.directory` to the
  store lets the directory be managed.
* Expressions are written in 0.16's functions: `is_local_domain(x)` becomes `is_local_domain('*', x)`, `system('hostname')` becomes
  `config_get('server.hostname')`, and back.
* Who only compares needs the permissions `settings-list`, `settings-reload` (for the trial that says whether a write could take
  effect), `domain-list` and `domain-get`; who writes also `settings-update`, `domain-create`, `domain-update`, `domain-delete` and
  `dkim-signature-create`.
* Secrets are compared in clear, which 0.15 allows, and never shown. With `update_secrets: on_create` one that is stored already stays.
"""


def _code(text: str) -> str:
    return f"`{text}`" if "`" not in text else text


def _escaped(text: str) -> str:
    return text.replace("|", "\\|")


def _default(row: Row) -> str:
    if not row.key:
        return ""
    value = row.codec.default
    if isinstance(row.codec, Expression) and value is not None:
        value = value["else"] if not value["match"] else value
    shown = "" if value is None else _code(value if isinstance(value, str) else json.dumps(value))
    created = "" if row.create is None else f"; a new object gets {_code(json.dumps(row.create))}"
    return f"{shown}{created}".lstrip("; ") + ("required" if row.required else "")


def _note(kind: Kind, row: Row) -> str:
    parts = [row.why] if row.why else []
    if row.always:
        parts.append("accepted: " + ", ".join(_code(json.dumps(value)) for value in row.always))
    if row.variants:
        parts.append("of " + ", ".join(row.variants))
    if not row.key and not row.why:
        parts.append("what the label says")
    return "; ".join(parts)


def _rows(kind: Kind) -> Iterator[str]:
    local = LocalKeys({})
    for row in kind.rows:
        where = kind.name if kind.singleton else f"{kind.name}.{ID}"
        name = _code(f"{where}.{row.name}")
        key = f"{_code(row.key)}{' *file*' if row.at('x') in local else ''}" if row.key else "—"
        accepted = row.codec.accepted if row.key else ""
        yield f"| {name} | {key} | {_escaped(accepted)} | {_escaped(_default(row))} | {_escaped(_note(kind, row))} |"


def _table(kind: Kind) -> Iterator[str]:
    yield f"### {kind.name}"
    yield ""
    if kind.note:
        yield kind.note
        yield ""
    for variant, keys in kind.fixed.items():
        if keys:
            listed = ", ".join(_code(f"{kind.prefix}.{name} = {text}") for name, text in keys.items())
            yield f"`{variant}` also stores {listed}."
            yield ""
    yield "| canonical name | key of 0.15 | accepted | where nothing is stored | note |"
    yield "|---|---|---|---|---|"
    yield from _rows(kind)
    yield ""


def document() -> str:
    """The whole file."""
    lines = [*HEAD.splitlines(), "", "## Singletons", ""]
    for kind in SINGLETONS:
        lines += _table(kind)
    lines += ["## Objects", ""]
    for kind in (*OBJECTS, DOMAIN):
        lines += _table(kind)
    lines += ["## Types that are not translated", "", "| type of 0.16 | what 0.15 has |", "|---|---|"]
    lines += [f"| `{name}` | {why_not(name)} |" for name in OTHERS]
    return "\n".join(lines).rstrip("\n") + "\n"


if __name__ == "__main__":
    sys.stdout.write(document())
