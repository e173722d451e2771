# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The tenant's mail server: generation, image, store, capacity and settings."""

from __future__ import annotations

import dataclasses
import re
import typing as t

from ..kubernetes.quantity import amount, is_size
from ..stalwart.v016 import shape
from . import merge, names, secrets
from .overlay import Inputs
from .validation import Given, Invalid, Problems, one_of

DEFAULT_GENERATION = "0.16"
REPOSITORY = "docker.io/stalwartlabs/stalwart"
#: Generation → the tag that is pinned for it. A new generation is one line here.
TAGS = {"0.16": "v0.16.18", "0.15": "v0.15.5"}
PULL_POLICIES = ("Always", "IfNotPresent", "Never")
#: Those variants of x:DataStore (contract 1.3) that live in the pod's volume: a database elsewhere would need a password and
#: a way through the NetworkPolicy, and the chart gives the pod neither.
STORES = ("RocksDb", "Sqlite")
RESOURCES: dict[str, dict[str, str]] = {
    "requests": {"cpu": "100m", "memory": "256Mi"},
    "limits": {"cpu": "1", "memory": "1Gi"},
}
STORAGE: dict[str, str | None] = {"size": "20Gi", "class": None}

_REPOSITORY = re.compile(r"(?:[A-Za-z0-9.-]+(?::\d{1,5})?/)?[a-z0-9._-]+(?:/[a-z0-9._-]+)*\Z")
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}\Z")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}\Z")
_IMAGE = "repository:tag, with @sha256:<digest> behind it if wanted, such as docker.io/stalwartlabs/stalwart:v0.16.18"

#: Settings that another variable owns.
OWNED_SETTINGS = {
    "systemSettings.defaultHostname": "tenant_mail_host",
    "systemSettings.defaultDomainId": "tenant_domain",
    "systemSettings.defaultCertificateId": "tenant_certificate_secret",
    "systemSettings.proxyTrustedNetworks": "platform_proxy_networks",
    "spamSettings.enable": "tenant_spam_filter",
    "authentication.directoryId": "tenant_realm_url",
    "storage.directory": "tenant_realm_url",
    "directory.keycloak": "tenant_realm_url",
}


@dataclasses.dataclass(frozen=True)
class Server:
    """What the inventory says about the server; only complete when no mistake was noted.

    :param settings: ``tenant_settings`` in the nested shape.
    """

    generation: str | None
    image: dict[str, str | None]
    store: dict[str, t.Any]
    replicas: int
    resources: dict[str, dict[str, str]]
    storage: dict[str, str | None]
    spam_filter: bool
    settings: dict[str, t.Any]


def boolean(value: t.Any) -> bool:
    """A YAML boolean, or the words that ``-e name=value`` can give."""
    words = {"true": True, "yes": True, "on": True, "1": True, "false": False, "no": False, "off": False, "0": False}
    found = value if isinstance(value, bool) else words.get(str(value).lower())
    if found is None:
        raise Invalid("true or false")
    return found


def generation(value: t.Any) -> str:
    """A generation that this release can provision. ``0.16`` without quotes is a number in YAML."""
    found = str(value)
    if isinstance(value, bool) or found not in TAGS:
        raise Invalid(one_of(found, [f'"{known}"' for known in TAGS]))
    return "".join(found)


def quantity(value: t.Any) -> str:
    """A Kubernetes quantity such as 100m, 256Mi or 1, as text."""
    found = str(value)
    if isinstance(value, bool) or not isinstance(value, (str, int, float)) or amount(found) is None:
        raise Invalid("a Kubernetes quantity such as 100m, 1, 256Mi or 20Gi")
    return "".join(found)


def size(value: t.Any) -> str:
    """A volume's size such as 20Gi, as text."""
    if not is_size(value):
        raise Invalid("a quantity with unit such as 20Gi")
    return quantity(value)


def image(value: t.Any) -> dict[str, str | None]:
    """``repository:tag[@digest]`` in parts."""
    reference, _at, digest = names.text(value, _IMAGE).partition("@")
    repository, _colon, tag = reference.rpartition(":")
    if not repository or "/" in tag:
        raise Invalid(f"{_IMAGE}; the tag is needed to know the generation")
    parts = {"repository": image_repository(repository), "tag": image_tag(tag)}
    return {**parts, "digest": image_digest(digest) if digest else None}


def image_repository(value: t.Any) -> str:
    """An image's repository, registry included."""
    found = names.text(value, _IMAGE)
    if not _REPOSITORY.match(found):
        raise Invalid(_IMAGE)
    return found


def image_tag(value: t.Any) -> str:
    """An image's tag; one that moves is refused."""
    found = names.text(value, _IMAGE)
    if not _TAG.match(found) or found == "latest":
        raise Invalid("a pinned tag such as v0.16.18")
    return found


def image_digest(value: t.Any) -> str:
    """An image's digest."""
    found = names.text(value, "sha256:<64 hexadecimal digits>")
    if not _DIGEST.match(found):
        raise Invalid("sha256:<64 hexadecimal digits>")
    return found


def pull_policy(value: t.Any) -> str:
    """Kubernetes' imagePullPolicy."""
    if value not in PULL_POLICIES:
        raise Invalid(one_of(value, PULL_POLICIES))
    return str(value)


def store(value: t.Any) -> dict[str, t.Any]:
    """A DataStore object (contract 1.3)."""
    if not isinstance(value, t.Mapping):
        raise Invalid("a DataStore object with '@type' " + " or ".join(STORES))
    found: dict[str, t.Any] = merge.plain(value)
    return found


def store_type(value: t.Any) -> str:
    """The kind of a store that the pod itself holds."""
    if value not in STORES:
        raise Invalid(f"a store in the pod's own volume, {one_of(value, STORES)}")
    return str(value)


def replicas(value: t.Any) -> int:
    """One. A second replica would open the same RocksDB."""
    if value != 1 or isinstance(value, bool):
        raise Invalid("1: RocksDB is single-writer, a second replica would corrupt the store or not start")
    return 1


def no_provisioner(value: t.Any) -> bool:
    """The in-cluster mailbox provisioner stays off: accounts are made by the first login and by the roles."""
    if boolean(value):
        raise Invalid("false (the in-cluster provisioner comes with a later release)")
    return False


def resolve(inputs: Inputs, problems: Problems) -> Server:
    """Everything about the server; mistakes go to ``problems``."""
    check = problems.check
    check(inputs.given(":mailboxProvisioner.enabled"), no_provisioner)
    family = check(inputs.given("tenant_generation", ":generation") or Given("", DEFAULT_GENERATION), generation)
    store_given = inputs.given("tenant_store", ":store")
    secrets.inline(store_given, problems)
    found_store = check(store_given, store)
    if store_given and found_store is not None:
        check(Given(f"{store_given.variable}.@type", found_store.get("@type")), store_type)
    return Server(
        generation=family,
        image=_image(inputs, family, problems),
        store=found_store or {"@type": STORES[0]},
        replicas=check(inputs.given(":replicas"), replicas) or 1,
        resources=_resources(inputs, problems),
        storage=_storage(inputs, problems),
        spam_filter=bool(check(inputs.given("tenant_spam_filter", ":spamFilter.enabled"), boolean)),
        settings=_settings(inputs, problems),
    )


def _image(inputs: Inputs, family: str | None, problems: Problems) -> dict[str, str | None]:
    overlay = {
        "repository": problems.check(inputs.given(":image.repository"), image_repository),
        "tag": problems.check(inputs.given(":image.tag"), image_tag),
        "digest": problems.check(inputs.given(":image.digest"), image_digest),
    }
    given = inputs.given("tenant_image", ":image.tag")
    whole = problems.check(inputs.given("tenant_image"), image)
    result: dict[str, str | None] = {
        "repository": REPOSITORY,
        "tag": TAGS.get(family or ""),
        "digest": None,
        **{key: value for key, value in overlay.items() if value is not None},
        **(whole or {}),
        "pull_policy": problems.check(inputs.given(":image.pullPolicy"), pull_policy) or "IfNotPresent",
    }
    tag = result["tag"]
    # config.json belongs to 0.16, config.toml to 0.15: an image of the other generation would not start.
    if family and tag and given and not re.match(rf"v?{re.escape(family)}(?!\d)", tag):
        problems.add(
            given.variable, given.value, f"an image whose tag starts with v{family}, as tenant_generation says"
        )
    return result


def _storage(inputs: Inputs, problems: Problems) -> dict[str, str | None]:
    found = problems.fields(inputs.given("tenant_storage"), {"size": size, "class": names.object_name})
    overlay_size = problems.check(inputs.given(":persistence.size"), size)
    class_name = problems.check(inputs.given(":persistence.storageClassName"), names.object_name)
    return {
        "size": found.get("size") or overlay_size or STORAGE["size"],
        "class": found.get("class") or class_name or STORAGE["class"],
    }


def _resources(inputs: Inputs, problems: Problems) -> dict[str, dict[str, str]]:
    given = inputs.given("tenant_resources", ":resources")
    found = problems.fields(given, {kind: lambda value: value for kind in RESOURCES})
    result = {kind: dict(amounts) for kind, amounts in RESOURCES.items()}
    for kind, amounts in found.items():
        where = f"{given.variable if given else 'tenant_resources'}.{kind}"
        if not isinstance(amounts, t.Mapping):
            problems.add(where, amounts, "a mapping such as {cpu: 100m, memory: 256Mi}")
            continue
        for name, value in amounts.items():
            parsed = problems.check(Given(f"{where}.{name}", value), quantity)
            if parsed is not None:
                result[kind][str(name)] = parsed
    return result


def _settings(inputs: Inputs, problems: Problems) -> dict[str, t.Any]:
    given = inputs.given("tenant_settings")
    if given is None:
        return {}
    if not isinstance(given.value, t.Mapping):
        problems.add(given.variable, given.value, "a mapping of settings, as option settings of stalwart_settings")
        return {}
    secrets.inline(given, problems)
    for fault in shape.check(given.value):
        # What stands in the place of something owned is noted below, with the owner.
        if fault.key not in merge.parents(OWNED_SETTINGS):
            problems.add(f"{given.variable}.{fault.key}", fault.value, fault.accepted)
    settings = merge.nested(given.value, given.variable, problems)
    merge.refuse_owned(settings, OWNED_SETTINGS, given.variable, problems)
    return settings
