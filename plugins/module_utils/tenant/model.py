# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""``derive(inputs) -> model``: the single place that knows what a tenant's names and values are (design 5)."""

from __future__ import annotations

import typing as t

from ..stalwart.v015.special import RulesUrl
from . import (
    certificate,
    chart_values,
    identity,
    mailboxes,
    merge,
    misspelt,
    names,
    platform,
    realm,
    relay,
    secrets,
    server,
)
from .mailbox_file import File
from .overlay import Inputs
from .server import boolean
from .validation import Given, Problems

SERVER_ONLY = "tenant_server_only"
WEB_PORT = 8080
DIRECTORY_LABEL = "keycloak"
#: The web interface as a server makes it at its first start (contract 1.6): it is fetched from there again and again.
WEB_INTERFACE_LABEL = "Stalwart Web Interface"
WEB_INTERFACE: t.Mapping[str, t.Any] = {
    "resourceUrl": "https://github.com/stalwartlabs/webui/releases/latest/download/webui.zip",
    "urlPrefix": ["/admin", "/account"],
}
#: The role of everybody that the server starts with (contract 1.6), and its permission to make app passwords.
USER_ROLE, MAKE_APP_PASSWORDS = "User", "sysAppPasswordCreate"
#: Settings that another variable owns where a tenant has no app passwords.
NO_APP_PASSWORDS = {f"role.{USER_ROLE}.disabledPermissions": "tenant_password_clients"}
#: Listeners that a server does not make by itself (contract 1.6); it opens them when it starts.
STARTTLS_LISTENERS: t.Mapping[str, t.Mapping[str, t.Any]] = {
    "submission": {"protocol": "smtp", "bind": ["[::]:587"], "useTls": True, "tlsImplicit": False},
    "imap": {"protocol": "imap", "bind": ["[::]:143"], "useTls": True, "tlsImplicit": False},
}
#: Addresses that RFC 2142 and the published records promise.
ROLE_ADDRESSES = realm.ROLE_NAMES


def derive(
    options: t.Mapping[str, t.Any],
    *,
    check_mode: bool = True,
    variables: t.Iterable[str] = (),
    chart_schema: t.Optional[t.Mapping[str, t.Any]] = None,
    mailboxes_file: t.Optional[File] = None,
) -> dict[str, t.Any]:
    """The tenant's model.

    :param options: the ``platform_*`` and ``tenant_*`` variables; None stands for "not given". ``duplicates`` is what
        :func:`identity.duplicates` found for this tenant.
    :param variables: names of all variables of the host.
    :param chart_schema: what the chart says of its values; none where it is not at hand.
    :param mailboxes_file: what ``tenant_mailboxes_file`` names.
    :returns: exactly the keys of design 5; no secret; snake_case but for ``chart_values`` and Stalwart's own settings.
    :raises Failure: ``invalid_value`` in layer ``inventory``, with every mistake in ``details``.
    """
    problems = Problems()
    asked = options.get(SERVER_ONLY)
    server_only = asked is not None and problems.check(Given(SERVER_ONLY, asked), boolean) is True
    inputs = Inputs(options, problems, server_only=server_only)
    misspelt.check(variables, inputs, problems)
    who = identity.resolve(inputs, problems)
    display_name = problems.check(inputs.given("tenant_display_name"), names.description)
    back_ends = platform.resolve(inputs, who, problems)
    tenant_realm = realm.resolve(inputs, who, problems)
    mail = server.resolve(inputs, problems)
    boxes = mailboxes.resolve(
        inputs,
        mailboxes.given_domains(who.domain, mail.settings),
        mail.generation or server.DEFAULT_GENERATION,
        back_ends.admin_user,
        mailboxes_file,
        tenant_realm,
        problems,
    )
    outbound = relay.resolve(inputs, who, mail.generation, problems)
    relay.refuse(outbound, mail.settings, problems)
    if boxes.password_clients == mailboxes.NONE:
        merge.refuse_owned(mail.settings, NO_APP_PASSWORDS, "tenant_settings", problems)
    extra = chart_values.resolve(inputs, problems, chart_schema or {})
    web_admin = chart_values.web_admin(extra)
    own = _settings(who, back_ends, mail, boxes, outbound, web_admin)
    merge.refuse_displaced(mail.settings, own, "tenant_settings", problems)
    offline = problems.check(inputs.given("tenant_offline"), boolean) is True
    if offline and not check_mode:
        problems.add("tenant_offline", True, "true only with --check; without reading a run cannot write")
    powerdns = who.mode == identity.FREE_SUBDOMAIN and bool(back_ends.dns["enabled"])
    secrets.check(options, problems, offline=offline or inputs.server_only, powerdns=powerdns)
    for duplicate in options.get("duplicates") or []:
        problems.add(duplicate["variable"], duplicate["value"], duplicate["accepted"])
    problems.raise_if_any(who.slug)

    model = _compose(who, display_name or t.cast(str, who.slug), back_ends, tenant_realm, mail, boxes, outbound, extra)
    secrets.not_in(model, options, problems)
    problems.raise_if_any(who.slug)
    return model


def _compose(
    who: identity.Identity,
    display_name: str,
    back_ends: platform.Platform,
    tenant_realm: realm.Realm,
    mail: server.Server,
    boxes: mailboxes.Mailboxes,
    outbound: relay.Relay | None,
    extra: t.Mapping[str, t.Any],
) -> dict[str, t.Any]:
    model: dict[str, t.Any] = {
        "slug": who.slug,
        "display_name": display_name,
        "domain": {
            "primary": who.domain,
            "mode": who.mode,
            "mail_host": who.mail_host,
            "web_host": who.web_host,
        },
        "kubernetes": {
            "namespace": who.namespace,
            "release": back_ends.release,
            "connection": back_ends.connection,
            "secret_store": back_ends.secret_store,
            "gateway": back_ends.gateway,
            # What the server is to trust: 0.15 has its roots built in, and takes no others.
            "ca_file": back_ends.ca_file if mail.generation != "0.15" else None,
            "labels": {"app.kubernetes.io/managed-by": "tenantmail", "tenantmail.io/tenant": who.slug},
        },
        "keycloak": _keycloak(who, display_name, back_ends, tenant_realm),
        "openbao": {},
        "stalwart": _stalwart(who, back_ends, mail, boxes, outbound, chart_values.web_admin(extra)),
        "relay": relay.compose(outbound, mail.settings),
        "chart_values": {},
        "dns": {
            **back_ends.dns,
            "spf_mechanisms": list(outbound.spf) if outbound else [],
            "configmap": f"{back_ends.release}-dns-records-required",
        },
        "oidc_directory": _directory(who, back_ends, mail, boxes),
        "admin": _admin(who, display_name, back_ends, boxes),
        "mailboxes": _mailboxes(who, back_ends, boxes),
        "capacity": {"replicas": mail.replicas, "resources": mail.resources, "storage": mail.storage},
    }
    model["openbao"] = _openbao(back_ends, model["keycloak"], outbound)
    model["chart_values"] = chart_values.compose(
        model,
        image_pull_policy=mail.image["pull_policy"] or "IfNotPresent",
        api_key_secret_name=back_ends.api_key_secret_name,
        proxy_networks=back_ends.proxy_networks,
        extra=extra,
    )
    return model


def _keycloak(
    who: identity.Identity, display_name: str, back_ends: platform.Platform, tenant_realm: realm.Realm
) -> dict[str, t.Any]:
    reference = back_ends.references["oidc"]
    return {
        "realm_url": who.realm_url,
        "base_url": who.realm_base_url,
        "realm": who.realm,
        "admin_url": back_ends.keycloak_admin_url,
        "auth_realm": back_ends.keycloak_auth_realm,
        "client_id": back_ends.client_id,
        "client_secret_name": back_ends.client_secret_name,
        "client_secret_property": reference["property"],
        **realm.compose(who, display_name, tenant_realm, client_id=back_ends.client_id, reference=reference),
    }


def _openbao(
    back_ends: platform.Platform, keycloak: t.Mapping[str, t.Any], outbound: relay.Relay | None
) -> dict[str, t.Any]:
    return {
        "url": back_ends.openbao_url,
        "mount": back_ends.openbao_mount,
        "secrets": [dict(back_ends.references["admin"]), *realm.secrets(keycloak), *relay.secrets(outbound)],
    }


def _stalwart(
    who: identity.Identity,
    back_ends: platform.Platform,
    mail: server.Server,
    boxes: mailboxes.Mailboxes,
    outbound: relay.Relay | None,
    web_admin: str | None,
) -> dict[str, t.Any]:
    return {
        "generation": mail.generation,
        "image": {key: mail.image[key] for key in ("repository", "tag", "digest")},
        "service": f"{back_ends.release}-web",
        "service_port": WEB_PORT,
        "store": mail.store,
        "certificate": certificate.compose(back_ends.certificate, who.mail_host, who.web_host),
        "settings": merge.merged(_settings(who, back_ends, mail, boxes, outbound, web_admin), mail.settings),
        "spam_filter": mail.spam_filter,
    }


def _settings(
    who: identity.Identity,
    back_ends: platform.Platform,
    mail: server.Server,
    boxes: mailboxes.Mailboxes,
    outbound: relay.Relay | None,
    web_admin: str | None,
) -> dict[str, t.Any]:
    settings: dict[str, t.Any] = {
        "domain": {who.domain: {}},
        "systemSettings": {"defaultHostname": who.mail_host, "defaultDomainId": who.domain},
        # With Pyzor on, no reload succeeds in a cluster without outside DNS (contract 11.1).
        "spamSettings": {"enable": mail.spam_filter},
        "spamPyzor": {"enable": mail.spam_filter},
        # The default tracer logs to a path that the image's user cannot write (contract 1.6).
        "tracer": {"stdout": {"@type": "Stdout", "level": "info", "ansi": False}},
        # The address lists are fetched from the internet at every start otherwise (contract 11.13).
        "asn": {"@type": "Disabled"},
        # The server's own default, kept: verify proves it, and the rows of send_as stay.
        "mtaStageAuth": {"mustMatchSender": "true"},
        **relay.settings(outbound, mail.generation),
    }
    if mail.generation != "0.15":
        # Written when nothing is forbidden, too, so that a tenant which allows them again gets them back.
        forbidden = [MAKE_APP_PASSWORDS] if boxes.password_clients == mailboxes.NONE else []
        settings["role"] = {USER_ROLE: {"disabledPermissions": forbidden}}
        # 0.15 has these in its config.toml.
        settings["networkListener"] = {name: dict(values) for name, values in STARTTLS_LISTENERS.items()}
        interface = {**WEB_INTERFACE, "enabled": web_admin is not None}
        settings["application"] = {
            WEB_INTERFACE_LABEL: {**interface, **({"resourceUrl": web_admin} if web_admin else {})}
        }
        settings["systemSettings"]["proxyTrustedNetworks"] = list(back_ends.proxy_networks)
        if back_ends.certificate.secret_name:
            settings = merge.merged(settings, certificate.settings(who.mail_host))
    # Written where mail is filtered, too: a server that was told to fetch none fetches them at its next start.
    settings["spamSettings"]["spamFilterRulesUrl"] = RulesUrl.PUBLISHED if mail.spam_filter else None
    return settings


def _directory(
    who: identity.Identity, back_ends: platform.Platform, mail: server.Server, boxes: mailboxes.Mailboxes
) -> dict[str, t.Any]:
    description = f"Per-tenant Keycloak ({who.domain})"
    directory: dict[str, t.Any] = {
        "@type": "Oidc",
        "description": description,
        "issuerUrl": who.realm_url,
        "claimUsername": "preferred_username",
        "claimName": "name",
    }
    if mail.generation != "0.15":
        # That generation asks the realm about a token and looks at nothing else in it (contract 0.15 4.1).
        directory.update(
            claimGroups="groups",
            requireScopes=list(realm.SCOPES),
            usernameDomain=who.domain,
            requireAudience=back_ends.client_id,
        )
    internal = boxes.password_clients == mailboxes.INTERNAL
    return {
        "label": DIRECTORY_LABEL,
        "description": description,
        # What the running directory must say: the server itself has no issuer.
        "issuer": "" if internal else who.realm_url,
        "settings": {
            "directory": {DIRECTORY_LABEL: directory},
            "authentication": {"directoryId": None if internal else DIRECTORY_LABEL},
        },
    }


def _promised(who: identity.Identity, back_ends: platform.Platform) -> list[str]:
    """Addresses of the domain that must take mail."""
    found = [f"{name}@{who.domain}" for name in ROLE_ADDRESSES]
    rua = str(back_ends.dns["dmarc_rua"])
    if rua.rpartition("@")[2] == who.domain:
        found.append(rua)
    return list(dict.fromkeys(found))


def _mailboxes(who: identity.Identity, back_ends: platform.Platform, boxes: mailboxes.Mailboxes) -> dict[str, t.Any]:
    return {
        "principals": boxes.principals,
        "password_clients": boxes.password_clients,
        "promised": _promised(who, back_ends),
    }


def _admin(
    who: identity.Identity, display_name: str, back_ends: platform.Platform, boxes: mailboxes.Mailboxes
) -> dict[str, t.Any]:
    domain = t.cast(str, who.domain)
    address = f"{back_ends.admin_user}@{domain}"
    # Whoever in the inventory takes such an address has it; the administrator has the others.
    taken = {address, *boxes.addresses}
    aliases = [alias for alias in _promised(who, back_ends) if alias.lower() not in taken]
    return {
        "user": back_ends.admin_user,
        "secret_name": back_ends.admin_secret_name,
        "secret_property": back_ends.references["admin"]["property"],
        "openbao_path": back_ends.references["admin"]["path"],
        "address": address,
        "role": "user",
        "aliases": aliases,
        "principals": [
            {
                "name": address,
                "type": "individual",
                "description": f"Administrator of {display_name}"[:255],
                "roles": ["user"],
                "aliases": list(aliases),
            }
        ],
    }
