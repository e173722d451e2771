# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The grammar of ``settings``: nested and flat keys become one tree of objects in normal form. Pure.

``systemSettings.defaultHostname`` is a singleton's property, ``directory.keycloak.issuerUrl`` a property of the
Directory object with the label ``keycloak``; a label with dots needs the nested form.
"""

from __future__ import annotations

import dataclasses
import typing as t

from ..problem import Problem, refuse_problems
from ..suggest import did_you_mean
from .identity import NOT_SETTINGS, Identity, identity_of, setting_name, showable, text_of
from .schema import Schema, Type
from .values import Normaliser

#: Keys of the original design that name a canonical key.
ALIASES: dict[str, str] = {"storage.directory": "authentication.directoryId"}

#: The label of a singleton's only object, in the tree and in the API.
SINGLETON = "singleton"


@dataclasses.dataclass(frozen=True)
class Item:
    """One object of the settings.

    :param object: its type. :param label: what the settings call it. :param key: how the settings address it.
    :param body: its properties in normal form. :param natural: its label as the server's own properties give it.
    """

    object: str
    label: str
    key: str
    body: dict[str, t.Any]
    natural: str = SINGLETON

    @property
    def singleton(self) -> bool:
        """Whether there is exactly one of its type."""
        return self.label == SINGLETON


Tree = t.Dict[str, t.Dict[str, t.Mapping[str, t.Any]]]


def catalogue(schema: Schema) -> dict[str, str]:
    """Keys of level 1 that settings may have, with the object type each stands for."""
    return {setting_name(name): name for name in schema.objects if name not in NOT_SETTINGS}


def parse(schema: Schema, settings: t.Mapping[str, t.Any]) -> list[Item]:
    """All objects that the settings speak about.

    :raises Failure: ``invalid_value`` with every problem in ``details``.
    """
    normaliser = Normaliser(schema)
    tree = _tree(schema, settings, normaliser)
    items: list[Item] = []
    for name, labels in tree.items():
        for label, raw in labels.items():
            key = setting_name(name) if label == SINGLETON else f"{setting_name(name)}.{label}"
            body = normaliser.struct(name, raw, key)
            natural = SINGLETON
            if label != SINGLETON:
                body = _identify(schema, name, label, body, key, normaliser)
                natural = identity(schema, name).join(
                    [text_of(body.get(prop, "")) for prop in identity(schema, name).properties]
                )
            # A domain is called by its name, whatever case the settings write it in.
            items.append(Item(name, natural if name == "Domain" else label, key, body, natural))
    refuse([*normaliser.problems, *_twins(items)])
    return items


def _twins(items: t.Sequence[Item]) -> list[Problem]:
    """Two labels that stand for one object of the server."""
    seen: dict[tuple[str, str], str] = {}
    problems = []
    for item in items:
        other = seen.setdefault((item.object, item.natural), item.key)
        if other != item.key:
            problems.append(
                Problem(
                    item.key,
                    "",
                    f"is the same object as {other}: both are {showable(item.natural, 'of that content')!r}.",
                )
            )
    return problems


def tree_of(schema: Schema, settings: t.Mapping[str, t.Any]) -> tuple[Tree, list[Problem]]:
    """Type, label and given properties of every object, unchecked, with the problems of the keys themselves."""
    normaliser = Normaliser(schema)
    return _tree(schema, settings, normaliser), normaliser.problems


def refuse(problems: t.Sequence[Problem]) -> None:
    """:raises Failure: ``invalid_value`` naming the problems, unless there are none."""
    refuse_problems(problems, subject="settings: ")


def identity(schema: Schema, name: str) -> Identity:
    """How objects of a type are found. :raises KeyError: never for a type that :func:`parse` let pass."""
    found = identity_of(schema, schema.objects[name])
    if found is None:
        raise KeyError(name)
    return found


def _tree(schema: Schema, settings: t.Mapping[str, t.Any], to: Normaliser) -> Tree:
    known = catalogue(schema)
    tree: Tree = {}
    for raw_key, given in settings.items():
        path, value = _canonical(str(raw_key).split("."), given)
        head = path[0]
        name = known.get(head)
        if name is None:
            to.fail(str(raw_key), ..., _unknown(head, known, schema))
            continue
        if schema.objects[name].singleton:
            _put(tree, name, SINGLETON, ".".join(path[1:]), value, str(raw_key), to)
        elif identity_of(schema, schema.objects[name]) is None:
            to.fail(head, ..., "objects of this type have nothing to find them by; they cannot be managed by settings.")
        elif len(path) > 2 and path[2] not in ("", "@type") and path[2] not in schema.fields(name):
            hint = did_you_mean(path[2], schema.fields(name))
            nested = f"{head}: {{{'.'.join(path[1:])}: …}}"
            to.fail(
                str(raw_key),
                ...,
                f"unknown property {path[2]!r}; a label that contains dots needs the nested form {nested}; {hint}".rstrip(
                    "; "
                ),
            )
        elif len(path) > 1:
            _put(tree, name, path[1], ".".join(path[2:]), value, str(raw_key), to)
        elif not isinstance(value, t.Mapping):
            to.refuse(
                Type("object", target=name), head, value, "expected a mapping of labels, each with its properties."
            )
        else:
            for label, body in value.items():
                _put(tree, name, str(label), "", body, f"{head}.{label}", to)
    return tree


def _canonical(path: list[str], value: t.Any) -> tuple[list[str], t.Any]:
    """A key with aliases resolved, flat (``storage.directory: x``) or nested (``storage: {directory: x}``)."""
    for alias, target in ALIASES.items():
        head, tail = alias.split(".")
        if path == [head, tail]:
            return target.split("."), value
        if path == [head] and isinstance(value, t.Mapping) and set(value) == {tail}:
            return target.split("."), value[tail]
    return path, value


def _unknown(head: str, known: t.Mapping[str, str], schema: Schema) -> str:
    for name, why in NOT_SETTINGS.items():
        if setting_name(name) == head and name in schema.objects:
            return f"is no setting: {why}."
    return f"unknown key; {did_you_mean(head, known)}".rstrip("; ")


def _put(tree: Tree, name: str, label: str, rest: str, value: t.Any, key: str, to: Normaliser) -> None:
    """Merge one key into the tree; a property given twice is a problem."""
    if not label:
        to.fail(key, ..., "has an empty label.")
        return
    if not rest and value is not None and not isinstance(value, t.Mapping):
        to.refuse(Type("object", target=name), key, value, "expected a mapping of properties.")
        return
    body: t.Mapping[str, t.Any] = {rest: value} if rest else (value or {})
    held = tree.setdefault(name, {}).get(label, {})
    merged = dict(held)
    for prop, item in body.items():
        if prop in merged:
            to.fail(f"{key}.{prop}" if not rest else key, ..., "is given twice.")
        merged[str(prop)] = item
    tree[name][label] = merged


def _identify(
    schema: Schema, name: str, label: str, body: dict[str, t.Any], key: str, to: Normaliser
) -> dict[str, t.Any]:
    """The body with its identifying properties: given ones win, the others follow from the label."""
    wanted = identity(schema, name)
    missing = [prop for prop in wanted.properties if prop not in body]
    if not missing:
        return body
    if wanted.properties == ("@type",):
        variants = schema.variants(name) or []
        to.fail(f"{key}.@type", ..., "is missing; accepted: " + ", ".join(variants) + ".")
        return body
    if wanted.content:
        to.fail(f"{key}.{missing[0]}", ..., "is missing; objects of this type are found by it.")
        return body
    parts = wanted.split(label)
    if parts is None:
        to.fail(key, ..., f"its label must look like {wanted.shape}, or give {' and '.join(missing)}.")
        return body
    extra = {prop: parts[prop] for prop in missing}
    checked = to.struct(name, {**extra, **({"@type": body["@type"]} if "@type" in body else {})}, key)
    return {**body, **{prop: checked[prop] for prop in missing if prop in checked}}
