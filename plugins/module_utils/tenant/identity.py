# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who a tenant is: slug, domain, hosts, namespace and realm; and which tenants of an inventory are the same one."""

from __future__ import annotations

import dataclasses
import typing as t

from . import names
from .overlay import Inputs
from .validation import Given, Invalid, Problem, Problems, one_of

FREE_SUBDOMAIN = "free-subdomain"
BYO = "byo"
MODES = (FREE_SUBDOMAIN, BYO)

#: The options of ``tenant_kubernetes`` that tell one cluster from another.
CLUSTER_OPTIONS = ("kubeconfig", "context", "host")
#: What must be unique, the variable that sets it, and how a message calls it.
UNIQUE = (
    ("slug", "tenant_slug", "slug"),
    ("domain", "tenant_domain", "domain"),
    ("place", "tenant_namespace", "namespace in this cluster"),
    ("realm_url", "tenant_realm_url", "realm URL"),
)
#: The variables that :func:`resolve` reads: what a comparison over an inventory needs of every host.
VARIABLES = (
    "platform_fqdn",
    "platform_parent_domain",
    "platform_powerdns_zone",
    "tenant_slug",
    "tenant_domain",
    "tenant_domain_mode",
    "tenant_kubernetes",
    "tenant_namespace",
    "tenant_overlay",
    "tenant_realm_url",
)


@dataclasses.dataclass(frozen=True)
class Identity:
    """The names of one tenant in normal form; None where the inventory gives none that is accepted.

    :param parent: parent of free subdomains.
    :param zone: PowerDNS zone that free subdomains are published in.
    :param place: (cluster, namespace).
    :param explicit: which of the unique names the inventory sets itself (the others follow from the slug).
    """

    slug: str | None = None
    fqdn: str | None = None
    parent: str | None = None
    zone: str | None = None
    mode: str | None = None
    domain: str | None = None
    mail_host: str | None = None
    web_host: str | None = None
    namespace: str | None = None
    realm_url: str | None = None
    realm_base_url: str | None = None
    realm: str | None = None
    place: tuple[t.Any, ...] | None = None
    explicit: frozenset[str] = frozenset()


def mode(value: t.Any) -> str:
    """``free-subdomain`` or ``byo``."""
    if value not in MODES:
        raise Invalid(one_of(value, MODES))
    return "".join(value)


def resolve(inputs: Inputs, problems: Problems) -> Identity:
    """Every name of a tenant; mistakes go to ``problems``, and a name that depends on a refused one is left out."""
    check = problems.check
    slug_given = inputs.given("tenant_slug")
    if slug_given is None and inputs.options.get("host") is not None:
        slug_given = Given("tenant_slug", inputs.options["host"])
    slug = check(slug_given, names.slug)
    if slug_given is None:
        problems.add("tenant_slug", None, f"{names.SLUG}; required without an inventory host")
    fqdn_given = inputs.given("platform_fqdn")
    fqdn = check(fqdn_given, names.host)
    if fqdn_given is None and not inputs.server_only:
        problems.add("platform_fqdn", None, "the platform's name, which every OpenBao path begins with; required")
    domain_mode = check(inputs.given("tenant_domain_mode", ":domain.mode") or Given("", FREE_SUBDOMAIN), mode)
    parent = _parent(inputs, fqdn, domain_mode, problems)
    zone_given = inputs.given(":dns.powerdns.zone", "platform_powerdns_zone")
    zone = check(zone_given, names.domain) if zone_given else parent
    if zone_given and zone and parent and domain_mode == FREE_SUBDOMAIN and not names.below(parent, zone):
        problems.add(zone_given.variable, zone_given.value, f"{parent} (the tenants' parent domain) or a name above it")

    domain = _domain(inputs, slug, parent, zone, domain_mode, problems)
    _not_the_platforms(inputs, domain, fqdn, parent, problems)
    mail_host = _host(inputs, ("tenant_mail_host", ":domain.mailHost"), f"mail.{domain}", domain, domain_mode, problems)
    web_host = _host(inputs, ("tenant_web_host", ":domain.webHost"), mail_host, domain, domain_mode, problems)
    _not_shared(inputs, {"tenant_domain": domain, "tenant_mail_host": mail_host, "tenant_web_host": web_host}, problems)

    namespace_given = inputs.given("tenant_namespace")
    namespace = check(namespace_given, names.label) if namespace_given else slug and f"tenant-{slug}"
    realm_given = inputs.given("tenant_realm_url", ":keycloak.realmURL")
    if realm_given is None and slug and parent:
        realm_given = Given("tenant_realm_url", f"https://keycloak.{slug}.{parent}/realms/sme-{slug}")
    realm_url, base_url, realm = check(realm_given, names.realm_url) or (None, None, None)

    explicit = {
        "slug": True,
        "domain": inputs.given("tenant_domain", ":domain.primary") is not None,
        "place": namespace_given is not None,
        "realm_url": inputs.given("tenant_realm_url", ":keycloak.realmURL") is not None,
    }
    return Identity(
        slug=slug,
        fqdn=fqdn,
        parent=parent,
        zone=zone,
        mode=domain_mode,
        domain=domain,
        mail_host=mail_host,
        web_host=web_host,
        namespace=namespace,
        realm_url=realm_url,
        realm_base_url=base_url,
        realm=realm,
        place=(*_cluster(inputs), namespace) if namespace else None,
        explicit=frozenset(name for name, given in explicit.items() if given),
    )


def _parent(inputs: Inputs, fqdn: str | None, domain_mode: str | None, problems: Problems) -> str | None:
    given = inputs.given("platform_parent_domain")
    if given is not None:
        return problems.check(given, names.domain)
    if domain_mode == FREE_SUBDOMAIN and fqdn is not None:
        # The platform's name is the tenants' parent then, so it must be a domain that mail can be sent to.
        return problems.check(Given("platform_fqdn", fqdn), names.domain)
    return fqdn


def _domain(
    inputs: Inputs, slug: str | None, parent: str | None, zone: str | None, domain_mode: str | None, problems: Problems
) -> str | None:
    given = inputs.given("tenant_domain", ":domain.primary")
    if given is None:
        if domain_mode == BYO:
            problems.add("tenant_domain", None, f"{names.DOMAIN}; required with tenant_domain_mode {BYO}")
        elif slug and parent:
            return problems.check(Given("tenant_domain", f"{slug}.{parent}"), names.domain)
        return None
    domain = problems.check(given, names.domain)
    if domain and zone and domain_mode == FREE_SUBDOMAIN and (domain == zone or not names.below(domain, zone)):
        problems.add(
            given.variable, given.value, f"a name below {zone}, or tenant_domain_mode: {BYO} for its own domain"
        )
        return None
    return domain


def _not_the_platforms(
    inputs: Inputs, domain: str | None, fqdn: str | None, parent: str | None, problems: Problems
) -> None:
    if domain is not None and domain in (fqdn, parent):
        given = inputs.given("tenant_domain", ":domain.primary")
        where = given.variable if given else "tenant_domain"
        problems.add(where, domain, "a domain of the tenant's own; this one is the platform's")


def _host(
    inputs: Inputs,
    sources: tuple[str, str],
    default: str | None,
    domain: str | None,
    domain_mode: str | None,
    problems: Problems,
) -> str | None:
    given = inputs.given(*sources)
    if given is None:
        # The longest domain leaves no room for "mail." in front.
        return problems.check(Given(sources[0], default), names.host) if domain and default else None
    host = problems.check(given, names.host)
    if host and domain and domain_mode == FREE_SUBDOMAIN and not names.below(host, domain):
        problems.add(given.variable, given.value, f"{domain} or a name below it (its address record is published)")
        return None
    return host


def _not_shared(inputs: Inputs, hosts: t.Mapping[str, str | None], problems: Problems) -> None:
    shared = problems.items(inputs.given("platform_shared_mail_hosts"), names.host)
    for host, variable in {host: variable for variable, host in reversed(list(hosts.items()))}.items():
        if host is not None and host in shared:
            problems.add(variable, host, "a host of the tenant's own; this one is in platform_shared_mail_hosts")


def _cluster(inputs: Inputs) -> tuple[str, ...]:
    connection = inputs.options.get("tenant_kubernetes")
    if not isinstance(connection, t.Mapping):
        return ("",) * len(CLUSTER_OPTIONS)
    return tuple(str(connection.get(option) or "") for option in CLUSTER_OPTIONS)


def duplicates(tenants: t.Mapping[str, Identity]) -> dict[str, list[dict[str, t.Any]]]:
    """Which tenants are not unique, in one pass over all of them.

    :param tenants: inventory host → its identity.
    :returns: only the hosts involved; each with its mistakes, which name the other hosts.
    """
    found: dict[str, list[dict[str, t.Any]]] = {}
    for field, variable, noun in UNIQUE:
        holders: dict[t.Any, list[str]] = {}
        for host, identity in tenants.items():
            value = getattr(identity, field)
            if value is not None:
                holders.setdefault(value, []).append(host)
        for value, hosts in holders.items():
            # Names that follow from an equal slug are no mistake of their own.
            if len(hosts) < 2 or not any(field in tenants[host].explicit for host in hosts):
                continue
            for host in hosts:
                others = [other for other in hosts if other != host]
                text = ", ".join(others[:3]) + (f" and {len(others) - 3} more" if len(others) > 3 else "")
                shown = value[-1] if field == "place" else value
                problem = Problem(variable, shown, f"a {noun} that no other tenant has; {text} has the same one")
                found.setdefault(host, []).append(problem.as_dict())
    return found
