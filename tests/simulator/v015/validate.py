"""What a reload finds wrong with a whole configuration (contract 0.15 sections 1.5, 3.6 to 3.8, 4.1).

The stages are those of the server: it stops after the first one that finds anything.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from . import conditions, kinds, lookups, oidc, queues, sections, values

Errors = dict[str, dict[str, str]]
Keys = Mapping[str, str]

_STORES = frozenset("rocksdb sqlite postgresql mysql redis foundationdb s3 fs azure elasticsearch nats kafka".split())
_DIRECTORIES = frozenset("internal ldap sql imap smtp lmtp memory oidc".split())
_PROTOCOLS = frozenset("smtp lmtp http https imap pop3 managesieve".split())
_MISSING = "Missing property"


def error(kind: str, text: str) -> dict[str, str]:
    return {"type": kind, "error": text}


def identifiers(keys: Keys, prefix: str, suffix: str) -> list[str]:
    """Ids of records: `<prefix>.<id>.<suffix>` exists."""
    found = (key for key in keys if key.startswith(f"{prefix}.") and key.endswith(f".{suffix}"))
    names = (key[len(prefix) + 1 : -len(suffix) - 1] for key in found)
    return sorted(name for name in names if name)


def below(keys: Keys, prefix: str) -> dict[str, str]:
    """Sub-keys to values."""
    return {key[len(prefix) + 1 :]: value for key, value in keys.items() if key.startswith(f"{prefix}.")}


def listed(keys: Keys, key: str) -> list[str]:
    """The values of a list: the key itself, then its sub-keys in string order."""
    own = [keys[key]] if key in keys else []
    return [*own, *(value for _, value in sorted(below(keys, key).items()))]


def tables(keys: Keys) -> Errors:
    """First stage: lookup tables. (A second store of a kind that is open already is not looked at.)"""
    return {key: error("parse", text) for key, text in lookups.parse(keys)[1].items()}


def core(keys: Keys) -> Errors:
    """Second stage: everything else but name resolution and the listeners."""
    found = dict(_storage(keys)) | dict(_directories(keys)) | dict(_directory(keys)) | dict(_values(keys))
    parts = (*sections.networks(keys), *sections.classifier(keys), *sections.headers(keys))
    return found | {key: error(kind, text) for key, kind, text in parts}


def _storage(keys: Keys) -> Iterator[tuple[str, dict[str, str]]]:
    labels = {"data": "Data", "blob": "Blob", "lookup": "In-memory", "fts": "Full-text"}
    for name, label in labels.items():
        store = keys.get(f"storage.{name}")
        if store is None:
            yield f"storage.{name}", error("parse", _MISSING)
        elif keys.get(f"store.{store}.type") not in _STORES:
            yield f"storage.{name}", error("parse", f'{label} store "{store}" not found')
        else:
            continue
        yield "storage.*", error("build", "One or more stores are missing, disabling all stores")


def _directory(keys: Keys) -> Iterator[tuple[str, dict[str, str]]]:
    name = keys.get("storage.directory")
    if name is None:
        yield "storage.directory", error("parse", _MISSING)
    elif name not in usable_directories(keys):
        yield "storage.directory", error("parse", f'Directory "{name}" not found')


def _directories(keys: Keys) -> Iterator[tuple[str, dict[str, str]]]:
    for name in identifiers(keys, "directory", "type"):
        kind = keys[f"directory.{name}.type"]
        if kind not in _DIRECTORIES:
            yield f"directory.{name}.type", error("parse", f'Unknown directory type: "{kind}"')
        elif kind == "internal":
            store = keys.get(f"directory.{name}.store")
            if store is None:
                yield f"directory.{name}.store", error("parse", _MISSING)
            elif f"store.{store}.type" not in keys:
                yield f"directory.{name}.store", error("parse", "Store does not exist")
        elif kind == "oidc":
            for key, text in oidc.problems(below(keys, f"directory.{name}")).items():
                yield f"directory.{name}.{key}", error("parse" if text == _MISSING else "build", text)


def usable_directories(keys: Keys) -> set[str]:
    """Directories are found by their `.type` alone: 0.16's `@type` makes none."""
    wrong = {key.split(".")[1] for key, _ in _directories(keys)}
    return set(identifiers(keys, "directory", "type")) - wrong


def warnings(keys: Keys) -> Errors:
    """What is told and does no harm."""
    unknown = {name: keys[f"store.{name}.type"] for name in identifiers(keys, "store", "type")}
    texts = {name: f'Unknown directory type: "{kind}"' for name, kind in unknown.items() if kind not in _STORES}
    return {f"store.{name}.type": error("parse", text) for name, text in texts.items()}


def _values(keys: Keys) -> Iterator[tuple[str, dict[str, str]]]:
    directories = usable_directories(keys)
    for key, text in keys.items():
        parse = kinds.parser(key)
        is_read = kinds.is_read(key, keys) and not (
            key.startswith("directory.") and key.split(".")[1] not in directories
        )
        try:
            if parse is not None and is_read:
                parse(text)
        except ValueError as problem:
            yield key, error("parse", str(problem))
    for prefix in ("server.allowed-ip", "server.blocked-ip"):
        for member in below(keys, prefix):
            try:
                values.address(member)
            except ValueError as problem:
                yield prefix, error("parse", str(problem))
    for key, text in (*conditions.problems(keys), *queues.problems(keys)):
        yield key, error("parse", text)


def listeners(keys: Keys) -> Errors:
    """Third stage, with the certificates. Sockets are not touched: new listeners open at the next start."""
    errors: Errors = {}
    for name in identifiers(keys, "certificate", "cert"):
        if f"certificate.{name}.private-key" not in keys:
            errors[f"certificate.{name}.private-key"] = error("parse", _MISSING)
    for name in identifiers(keys, "server.listener", "protocol"):
        prefix = f"server.listener.{name}"
        protocol = keys[f"{prefix}.protocol"]
        if protocol not in _PROTOCOLS:
            errors[f"{prefix}.protocol"] = error("parse", f'Invalid server protocol type "{protocol}".')
        for key in (f"{prefix}.tls.implicit", f"{prefix}.tls.enable"):
            if keys.get(key, "true") not in ("true", "false"):
                errors[key] = error("parse", f'Invalid boolean value "{keys[key]}".')
        binds = listed(keys, f"{prefix}.bind")
        wrong = [bind for bind in binds if not re.fullmatch(r"(\[[^]]*\]|[\d.]+):\d{1,5}", bind)]
        for bind in wrong:
            errors[f"{prefix}.bind"] = error("parse", f'Invalid socket address "{bind}".')
        if len(wrong) == len(binds):
            errors[prefix] = error("build", "No 'bind' directive found for listener")
    return errors
