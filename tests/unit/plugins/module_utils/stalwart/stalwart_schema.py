"""A small schema document of the server's structure, with one of everything the driver has to understand."""

from __future__ import annotations

from typing import Any

HASH = "unit-test-schema-0000000000000000"


def text(kind: str = "string", **more: Any) -> dict[str, Any]:
    return {"type": "string", "format": kind, **more}


def number(kind: str = "unsignedInteger", **more: Any) -> dict[str, Any]:
    return {"type": "number", "format": kind, **more}


def enum(name: str, **more: Any) -> dict[str, Any]:
    return {"type": "enum", "enumName": name, **more}


def ref(name: str, **more: Any) -> dict[str, Any]:
    return {"type": "objectId", "objectName": f"x:{name}", **more}


def obj(name: str, **more: Any) -> dict[str, Any]:
    return {"type": "object", "objectName": f"x:{name}", **more}


def many(name: str, **more: Any) -> dict[str, Any]:
    return {"type": "objectList", "objectName": f"x:{name}", **more}


def group(member: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"type": "set", "class": member, **more}


def table(key: dict[str, Any], value: dict[str, Any]) -> dict[str, Any]:
    return {"type": "map", "keyClass": key, "valueClass": value}


FLAG = {"type": "boolean"}
NULL = {"nullable": True}
#: Properties by struct: a type, or (access, type).
STRUCTS: dict[str, dict[str, Any]] = {
    "Domain": {
        "name": text(),
        "aliases": group(text()),
        "description": text(**NULL),
        "dkimManagement": obj("DkimManagement"),
        "subAddressing": obj("SubAddressing"),
        "createdAt": ("serverSet", {"type": "utcDateTime"}),
        "dnsZoneFile": ("serverSet", text("text")),
        "directoryId": ref("Directory", **NULL),
    },
    "DkimManagementProperties": {
        "algorithms": group(enum("DkimSignatureType")),
        "rotateAfter": number("duration"),
        "selectorTemplate": text(),
    },
    "CustomSubAddressing": {"customRule": obj("Expression")},
    "Expression": {"else": text(), "match": many("ExpressionMatch")},
    "ExpressionMatch": {"if": text(), "then": text()},
    "LdapDirectory": {"description": text(), "url": text("uri"), "bindSecret": obj("SecretKeyOptional")},
    "OidcDirectory": {
        "description": text(),
        "issuerUrl": text("uri"),
        "claimName": text(**NULL),
        "claimGroups": text(**NULL),
        "requireAudience": text(**NULL),
        "requireScopes": group(text()),
        "usernameDomain": text(**NULL),
    },
    "SecretKeyValue": {"secret": text("secret")},
    "SecretKeyFile": {"filePath": text()},
    "Authentication": {
        "directoryId": ref("Directory", **NULL),
        "defaultUserRoleIds": group(ref("Role")),
        "passwordMinStrength": enum("PasswordStrength"),
        "passwordMinLength": number(min=1, max=100),
        "maxApiKeys": number(min=1, **NULL),
    },
    "SystemSettings": {
        "defaultHostname": text(),
        "defaultDomainId": ref("Domain"),
        "mailExchangers": many("MailExchanger"),
        "services": table(enum("ServiceProtocol"), obj("Service")),
        "providerInfo": table(enum("ProviderInfo"), text()),
        "proxyTrustedNetworks": group(text("ipNetwork")),
    },
    "MailExchanger": {"hostname": text(**NULL), "priority": number(min=1, max=65535)},
    "Service": {"hostname": text(**NULL), "cleartext": FLAG},
    "SpamSettings": {
        "enable": FLAG,
        "scoreSpam": number("float", min=-100.0, max=100.0),
        "rulesUrl": text("uri", **NULL),
    },
    "SpamPyzor": {"enable": FLAG},
    "MtaStageMail": {"isSenderAllowed": obj("Expression")},
    "MtaStageAuth": {"mustMatchSender": obj("Expression")},
    "MtaRouteMx": {"name": ("immutable", text()), "maxMxHosts": number(min=1)},
    "MtaRouteRelay": {
        "name": ("immutable", text()),
        "address": text(),
        "port": number(min=1, max=65535),
        "authSecret": obj("SecretKeyOptional"),
    },
    "AllowedIp": {
        "address": ("immutable", text("ipNetwork")),
        "reason": text(**NULL),
        "expiresAt": {"type": "utcDateTime", "nullable": True},
    },
    "Role": {
        "description": text(),
        "enabledPermissions": group(enum("Permission")),
        "roleIds": group(ref("Role")),
    },
    "MemoryLookupKey": {"namespace": text(), "key": text(maxLength=255), "isGlobPattern": FLAG},
    "NetworkListener": {
        "name": ("immutable", text()),
        "bind": group(text("socketAddress"), minItems=1),
        "protocol": enum("Protocol"),
    },
    "TracerStdout": {"level": enum("Level"), "ansi": FLAG, "enable": FLAG},
    "TracerLog": {"path": text(), "level": enum("Level"), "ansi": FLAG},
    "Dkim1Signature": {
        "selector": text(),
        "domainId": ref("Domain"),
        "privateKey": obj("SecretKey"),
        "publicKey": ("serverSet", text("text")),
        "stage": enum("Stage"),
    },
    "OAuthClient": {"clientId": text(), "secret": text("secret", **NULL), "description": text(**NULL)},
    "UserAccount": {
        "name": text(),
        "domainId": ref("Domain"),
        "description": text(**NULL),
        "aliases": many("EmailAlias"),
        "memberGroupIds": group(ref("Account/Group")),
        "roles": obj("UserRoles"),
        "permissions": obj("Permissions"),
        "quotas": table(enum("StorageQuota"), number()),
        "locale": enum("Locale"),
        "credentials": many("Credential"),
        "usedDiskQuota": ("serverSet", number("size")),
    },
    "GroupAccount": {
        "name": text(),
        "domainId": ref("Domain"),
        "description": text(**NULL),
        "aliases": many("EmailAlias"),
        "roles": obj("Roles"),
        "permissions": obj("Permissions"),
        "quotas": table(enum("StorageQuota"), number()),
        "locale": enum("Locale"),
        "usedDiskQuota": ("serverSet", number("size")),
    },
    "EmailAlias": {"name": text(), "domainId": ref("Domain"), "enabled": FLAG, "description": text(**NULL)},
    "CustomRoles": {"roleIds": group(ref("Role"))},
    "PermissionsList": {
        "enabledPermissions": group(enum("Permission")),
        "disabledPermissions": group(enum("Permission")),
    },
    "PasswordCredential": {"secret": text("secret"), "credentialId": ("serverSet", text())},
    "SecondaryCredential": {"description": text(), "secret": ("serverSet", text("secret"))},
    "MailingList": {
        "name": text(),
        "domainId": ref("Domain"),
        "description": text(**NULL),
        "aliases": many("EmailAlias"),
        "recipients": group(text("emailAddress")),
    },
    "Certificate": {"certificate": text("text"), "issuer": ("serverSet", text())},
    "Log": {"text": ("serverSet", text())},
}
VARIANTS: dict[str, dict[str, str | None]] = {
    "DkimManagement": {"Automatic": "DkimManagementProperties", "Manual": None},
    "SubAddressing": {"Enabled": None, "Custom": "CustomSubAddressing"},
    "Directory": {"Ldap": "LdapDirectory", "Oidc": "OidcDirectory"},
    "SecretKey": {"Value": "SecretKeyValue", "File": "SecretKeyFile"},
    "SecretKeyOptional": {"None": None, "Value": "SecretKeyValue", "File": "SecretKeyFile"},
    "MtaRoute": {"Mx": "MtaRouteMx", "Relay": "MtaRouteRelay"},
    "Tracer": {"Stdout": "TracerStdout", "Log": "TracerLog"},
    "DkimSignature": {"Dkim1RsaSha256": "Dkim1Signature", "Dkim1Ed25519Sha256": "Dkim1Signature"},
    "Account": {"User": "UserAccount", "Group": "GroupAccount"},
    "UserRoles": {"User": None, "Admin": None, "Custom": "CustomRoles"},
    "Roles": {"Default": None, "Custom": "CustomRoles"},
    "Permissions": {"Inherit": None, "Merge": "PermissionsList", "Replace": "PermissionsList"},
    "Credential": {"Password": "PasswordCredential", "AppPassword": "SecondaryCredential"},
    "Action": {"ReloadSettings": None, "InvalidateCaches": None, "ReloadLookupStores": None},
}
SINGLETONS = ("Authentication", "SystemSettings", "SpamSettings", "SpamPyzor", "MtaStageMail", "MtaStageAuth")
OBJECTS = [
    "Domain",
    "Directory",
    "Role",
    "MtaRoute",
    "AllowedIp",
    "MemoryLookupKey",
    "NetworkListener",
    "Tracer",
    "DkimSignature",
    "OAuthClient",
    "Account",
    "MailingList",
    "Certificate",
    "Log",
    "Action",
]
LABELS = {
    "Domain": "name",
    "MtaRoute": "name",
    "AllowedIp": "address",
    "Directory": "description",
    "Role": "description",
}
DEFAULTS: dict[str, dict[str, Any]] = {
    "DkimManagementProperties": {"rotateAfter": 7776000000, "selectorTemplate": "v{version}"},
    "OidcDirectory": {"claimName": "name", "requireAudience": "stalwart", "requireScopes": {"openid": True}},
    "Authentication": {"passwordMinStrength": "three", "passwordMinLength": 8, "maxApiKeys": 5},
    "SpamSettings": {"enable": True, "scoreSpam": 5.0},
    "SpamPyzor": {"enable": True},
    "MailExchanger": {"priority": 10},
    "MtaRouteMx": {"maxMxHosts": 5},
    "MtaRouteRelay": {"port": 25},
    "SystemSettings": {"mailExchangers": [{"priority": 10}]},
    "EmailAlias": {"enabled": True},
    "NetworkListener": {"protocol": "smtp"},
    "Dkim1Signature": {"stage": "active"},
}
ENUMS = {
    "DkimSignatureType": ["Dkim1Ed25519Sha256", "Dkim1RsaSha256"],
    "PasswordStrength": ["zero", "one", "two", "three", "four"],
    "ServiceProtocol": ["jmap", "imap", "smtp"],
    "ProviderInfo": ["providerName", "providerUrl"],
    "Permission": ["authenticate", "emailSend", "emailReceive", "jmapEmailGet", "impersonate"],
    "Protocol": ["smtp", "imap", "http"],
    "Level": ["error", "info", "debug"],
    "Stage": ["pending", "active", "retiring", "retired"],
    "StorageQuota": ["maxDiskQuota", "maxEmails"],
    "Locale": ["en_US", "de_DE", "ar_OM"],
    "ExpressionVariable": ["sender", "sender_domain", "authenticated_as", "local_port", "is_tls", "rcpt_domain"],
    "ExpressionConstant": ["relaxed", "strict", "disable", "plain", "login"],
}


def document() -> dict[str, Any]:
    """What ``GET /api/schema/<hash>`` answers."""
    fields: dict[str, Any] = {}
    for name, properties in STRUCTS.items():
        fields[f"x:{name}"] = {"properties": {}, "defaults": DEFAULTS.get(name, {})}
        for prop, spec in properties.items():
            access, kind = spec if isinstance(spec, tuple) else ("mutable", spec)
            fields[f"x:{name}"]["properties"][prop] = {"description": prop, "type": kind, "update": access}
    schemas: dict[str, Any] = {f"x:{name}": {"type": "single", "schemaName": f"x:{name}"} for name in STRUCTS}
    for name, variants in VARIANTS.items():
        schemas[f"x:{name}"] = {
            "type": "multiple",
            "variants": [
                {"name": v, "label": v} | ({"schemaName": f"x:{s}"} if s else {}) for v, s in variants.items()
            ],
        }
    objects = {f"x:{name}": {"type": "singleton"} for name in SINGLETONS} | {
        f"x:{n}": {"type": "object"} for n in OBJECTS
    }
    return {
        "objects": objects
        | {"x:Account/User": {"type": "view", "objectName": "x:Account"}, "Mailbox": {"type": "object"}},
        "schemas": schemas,
        "fields": fields,
        "forms": {},
        "lists": {f"x:{name}": {"labelProperty": prop} for name, prop in LABELS.items()},
        "enums": {name: [{"name": value, "label": value} for value in values] for name, values in ENUMS.items()},
        "dashboards": [],
        "layouts": [],
    }
