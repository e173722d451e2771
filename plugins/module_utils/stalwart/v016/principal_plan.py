# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What differs between given principals and a server. Pure: no write, no request."""

from __future__ import annotations

import typing as t

from ...reconcile import Change, Plan
from ...redact import MASK
from ..problem import Problem
from ..suggest import did_you_mean
from .decode import Decoder
from .differ import Differ, Write
from .plan import Op
from .principal import BUILT_IN_ROLES, GROUP, INDIVIDUAL, LIST, Principal, refuse_principals, word
from .principal_checks import Memberships, check_addresses
from .principal_view import view
from .registry import Registry
from .schema import Type

Body = t.Dict[str, t.Any]
_SECRET = Type("string", format="secret")
_CREDENTIAL = Type("object", target="Credential")


def make_principal_plan(
    registry: Registry,
    principals: t.Sequence[Principal],
    *,
    rewrite_passwords: bool,
    known: bool,
    missing: t.Optional[set[str]] = None,
) -> Plan:
    """The plan.

    :param known: false when the server does not exist yet: nothing can be looked up on it.
    :param missing: takes domains that do not exist, instead of a failure: in check mode, what an earlier task would
        have created is not there.
    :raises Failure: ``invalid_value``, ``not_found`` or ``conflict``, each with all its problems, before any write.
    """
    return _Planner(registry, principals, rewrite_passwords, known, missing).plan()


class _Planner:
    def __init__(
        self,
        registry: Registry,
        principals: t.Sequence[Principal],
        rewrite: bool,
        known: bool,
        missing: t.Optional[set[str]],
    ) -> None:
        self._missing = missing
        self._registry = registry
        self._schema = registry.schema
        self._principals = principals
        self._rewrite = rewrite
        self._known = known
        self._problems: dict[str, list[Problem]] = {"invalid_value": [], "not_found": [], "conflict": []}
        registry.begin()
        self._decoder = Decoder(registry.schema, registry.label)
        self._ids = {p.name: self._find(p) for p in principals}
        self._new = {p.name for p in principals if p.state != "absent" and self._ids[p.name] is None}

    def _fail(self, code: str, key: str, message: str) -> None:
        self._problems[code].append(Problem(key, "", message))

    def plan(self) -> Plan:
        kept = [p for p in self._principals if p.state != "absent"]
        if self._known:
            check_addresses(self._registry, kept, self._ids, self._fail, self._missing)
        memberships = Memberships(self._registry, self._principals, self._known, self._fail).wanted()
        changes: list[Change] = []
        for principal in kept:
            change = self._change(principal, memberships.pop(principal.name, None))
            changes += [change] if change else []
        for name, groups in sorted(memberships.items()):
            changes += self._member(name, groups)
        for principal in self._principals:
            if principal.state == "absent":
                changes += self._removal(principal)
        for code, problems in self._problems.items():
            refuse_principals(problems, code)
        return Plan(tuple(changes))

    def _find(self, principal: Principal) -> t.Optional[str]:
        ids = self._registry.find(principal.object, principal.name)
        found = ids[0] if ids else None
        if found is not None and principal.variant is not None:
            held = self._registry.of(principal.object)[found].get("@type")
            if held != principal.variant:
                self._fail(
                    "conflict", principal.key, f"exists on the server as {word(held)}; its type cannot be changed."
                )
        return found

    def _change(self, principal: Principal, groups: t.Optional[list[str]]) -> t.Optional[Change]:
        identifier = self._ids[principal.name]
        wire = self._registry.of(principal.object).get(identifier or "")
        current = self._decoder.struct(principal.object, wire) if wire is not None else None
        body = self._body(principal, current, groups)
        if current is None or identifier is None:
            return self._create(principal, body)
        differ = Differ(self._schema)
        writes = differ.struct(principal.object, body, current, principal.key)
        secret = self._password(principal, current)
        writes += secret
        if not writes:
            return None
        op = Op("update", principal.object, principal.name, identifier, None, tuple(writes), self._needs(groups))
        before, after = view(principal.object, current), view(principal.object, {**current, **body})
        if principal.type == GROUP and "members" in principal.given:
            before.pop("members", None)
        changed = [key for key in after if before.get(key) != after[key]]
        shown_after = {key: after[key] for key in changed}
        if secret:
            shown_after["password"] = f"{MASK} written"
        shown_before = {key: before.get(key) for key in changed}
        return Change("update", principal.type, principal.name, shown_before, shown_after, op)

    def _create(self, principal: Principal, body: Body) -> Change:
        if principal.password:
            body["credentials"] = [{"@type": "Password", "secret": principal.password}]
            self._refuse_password(principal)
        fields = self._schema.fields(principal.object, principal.variant)
        writes = tuple(Write(key, fields[key].type, value) for key, value in body.items() if key != "@type")
        needs = self._needs(body.get("memberGroupIds"))
        op = Op("create", principal.object, principal.name, variant=principal.variant, writes=writes, needs=needs)
        after = {key: value for key, value in view(principal.object, body).items() if value not in (None, [], {})}
        if principal.password:
            after["password"] = MASK
        return Change("create", principal.type, principal.name, None, after, op)

    def _needs(self, groups: t.Optional[t.Sequence[str]]) -> frozenset[tuple[str, str]]:
        return frozenset(("Account", name) for name in groups or () if name in self._new)

    def _body(self, principal: Principal, current: t.Optional[Body], groups: t.Optional[list[str]]) -> Body:
        """The object that this principal shall be, as far as it is managed."""
        given, held = principal.given, current or {}
        local, _at, domain = principal.name.rpartition("@")
        body: Body = {"name": local, "domainId": domain} if current is None else {}
        if principal.variant:
            body["@type"] = principal.variant
        if "description" in given and not (current is not None and self._from_claims(principal)):
            body["description"] = given["description"]
        if "aliases" in given:
            body["aliases"] = [self._alias(address, held) for address in given["aliases"]]
        if principal.type == LIST:
            return {**body, **({"recipients": given["members"]} if "members" in given else {})}
        if groups is not None:
            body["memberGroupIds"] = groups
        if "roles" in given:
            body["roles"] = self._roles(principal)
        if "quota" in given:
            body["quotas"] = {"maxDiskQuota": given["quota"] or None}
            if current is None and not given["quota"]:
                del body["quotas"]
        if "locale" in given:
            body["locale"] = given["locale"]
        permissions = self._permissions(principal, held.get("permissions") or {"@type": "Inherit"}, body)
        if permissions != {"@type": "Inherit"} or current is not None:
            body["permissions"] = permissions
        return body

    def _from_claims(self, principal: Principal) -> bool:
        """Whether every login overwrites the description with the issuer's name claim (contract 5.3)."""
        directory = self._directory()
        return (
            principal.type == INDIVIDUAL
            and bool(directory)
            and directory.get("@type") == "Oidc"
            and bool(directory.get("claimName"))
        )

    def _directory(self) -> dict[str, t.Any]:
        stored = self._registry.of("Authentication").get("singleton") or {}
        return self._registry.of("Directory").get(str(stored.get("directoryId"))) or {}

    @staticmethod
    def _alias(address: str, held: t.Mapping[str, t.Any]) -> Body:
        local, _at, domain = address.rpartition("@")
        entry: Body = {"name": local, "domainId": domain, "enabled": True}
        for alias in held.get("aliases") or ():
            if (alias.get("name"), alias.get("domainId")) == (local, domain):
                # A list is written whole; what somebody noted at an alias stays.
                entry["description"] = alias.get("description")
        return entry

    def _roles(self, principal: Principal) -> Body:
        names = principal.given["roles"]
        built_in = BUILT_IN_ROLES[principal.type]
        if not names:
            return {"@type": "Default" if principal.type == GROUP else "User"}
        if len(names) == 1 and names[0].lower() in built_in:
            return {"@type": built_in[names[0].lower()]}
        known = self._registry.labels("Role")
        by_name = {label.lower(): label for label in known}
        roles = []
        for name in names:
            label = by_name.get(name.lower())
            if label is None and self._known:
                choices = [*built_in, *known]
                self._fail(
                    "not_found",
                    f"{principal.key}.roles",
                    f"the server has no role {name!r}; {did_you_mean(name, choices)}",
                )
            roles.append(label or name)
        return {"@type": "Custom", "roleIds": sorted(roles)}

    def _permissions(self, principal: Principal, held: t.Mapping[str, t.Any], body: Body) -> Body:
        """The account's permissions: the given ones, mail reception, and whether it may log in (contract 11.18)."""
        enabled = set(held.get("enabledPermissions") or ()) if principal.enabled is None else set(principal.enabled)
        disabled = set(held.get("disabledPermissions") or ()) if principal.disabled is None else set(principal.disabled)
        if principal.type == INDIVIDUAL:
            (disabled.add if principal.state == "suspended" else disabled.discard)("authenticate")
        receive = principal.given.get("receive_mail", True if principal.type == GROUP else None)
        if receive is False:
            disabled.add("emailReceive")
            enabled.discard("emailReceive")
        elif receive:
            disabled.discard("emailReceive")
            # Own roles need not allow it; the default ones do (contract 11.10).
            if (body.get("roles") or {}).get("@type") == "Custom":
                enabled.add("emailReceive")
        if held.get("@type") == "Replace":
            return {"@type": "Replace", "enabledPermissions": sorted(enabled), "disabledPermissions": sorted(disabled)}
        if not enabled and not disabled:
            return {"@type": "Inherit"}
        return {"@type": "Merge", "enabledPermissions": sorted(enabled), "disabledPermissions": sorted(disabled)}

    def _password(self, principal: Principal, current: t.Mapping[str, t.Any]) -> list[Write]:
        if not principal.password:
            return []
        held = list(current.get("credentials") or ())
        index = next((i for i, entry in enumerate(held) if entry.get("@type") == "Password"), None)
        if index is not None and not self._rewrite:
            return []
        self._refuse_password(principal)
        if index is not None:
            # The pointer leaves app passwords and API keys alone; a whole list would drop them (contract 4.3).
            return [Write(f"credentials/{index}/secret", _SECRET, principal.password)]
        return [Write(f"credentials/{len(held)}", _CREDENTIAL, {"@type": "Password", "secret": principal.password})]

    def _refuse_password(self, principal: Principal) -> None:
        directory = self._directory()
        if directory:
            name = directory.get("description") or "an external directory"
            self._fail(
                "invalid_value",
                f"{principal.key}.password",
                f"logins are checked by {name!r} ({directory.get('@type')}), so the server takes no passwords; leave it out. "
                "Mail programs that cannot log in there use an app password",
            )

    def _member(self, name: str, groups: list[str]) -> list[Change]:
        """The change of an account that is no principal of this task but a member of one of its groups."""
        ids = self._registry.find("Account", name)
        if not ids:
            if self._known:
                self._fail(
                    "not_found",
                    name,
                    "is to be a member, but is no account of the server and not among the principals.",
                )
            return []
        current = self._decoder.struct("Account", self._registry.of("Account")[ids[0]])
        if current.get("@type") != "User":
            self._fail("invalid_value", name, "is a group; groups have no groups.")
            return []
        writes = Differ(self._schema).struct("Account", {"memberGroupIds": groups}, current, name)
        if not writes:
            return []
        op = Op("update", "Account", name, ids[0], None, tuple(writes), self._needs(groups))
        before = {"member_of": current.get("memberGroupIds")}
        return [Change("update", INDIVIDUAL, name, before, {"member_of": groups}, op)]

    def _removal(self, principal: Principal) -> list[Change]:
        identifier = self._ids[principal.name]
        if identifier is None:
            return []
        wire = self._registry.of(principal.object)[identifier]
        used = int(wire.get("usedDiskQuota") or 0)
        if used and not principal.confirm_data_loss:
            self._fail(
                "conflict",
                principal.key,
                f"its mailbox holds {used} bytes, and removing it destroys them at once; say confirm_data_loss: true.",
            )
        current = self._decoder.struct(principal.object, wire)
        before = {key: value for key, value in view(principal.object, current).items() if value not in (None, [], {})}
        op = Op("destroy", principal.object, principal.name, identifier)
        return [Change("delete", principal.type, principal.name, before, None, op)]
