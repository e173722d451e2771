# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""``stalwart_principal`` on 0.15: read, plan, write, read back."""

from __future__ import annotations

import typing as t
from urllib.parse import quote

from ...failure import Failure
from ...reconcile import Plan, after_writes, converge, present
from ...redact import Redactor
from ..driver import PrincipalAsk, Result
from ..managed import Rest, marked, refuse_many, rest_of
from ..placeholder import refuse_placeholders
from ..principal import INDIVIDUAL, LIST, Principal, parse_principals
from ..principal_checks import Missing, cautions, nobodies
from . import send_as
from .client import Operation, RestClient, delete, insert
from .errors import ApiError
from .password import hash_password
from .principal import FIELDS, MARKS, SETTINGS_KEYS, SETTINGS_PREFIXES, TYPES, VOCABULARY, State, view
from .principal_ops import Op, ordered
from .principal_plan import find, make_principal_plan
from .store import RELOADS

_PATH = "/api/principal"
#: What the server calls a refusal that is about the credential: it may only hand on what it has itself (contract 2.3).
_NOT_YOURS = ("Invalid role", "Invalid permission")
#: A PATCH that lost a race answers 500 and wrote nothing (contract 5.5).
_TRIES = 3
#: Steps of one PATCH; a body above 1 MiB is dropped (contract 2.1).
_STEPS = 2000


class Principal015Task:
    """One task on one server. :param client: none when the server does not exist yet (check mode)."""

    def __init__(self, client: t.Optional[RestClient], ask: PrincipalAsk) -> None:
        self._client = client
        self._ask = ask
        self._principals: list[Principal] = marked(parse_principals(VOCABULARY, ask.principals), ask.managing.by)
        self._rest = Rest()
        self._missing: Missing = None
        self._barred = ""

    def run(self, check_mode: bool) -> Result:
        """:raises Failure: before any write for principals that are wrong, after it for what the server refuses."""
        if self._client is None:
            return self._result(self._plan(State(), known=False), None)
        self._client.http.redactor = Redactor(
            [*self._ask.secrets, *(p.password for p in self._principals if p.password)]
        )
        self._missing = {} if check_mode else None
        plan, state = converge("stalwart", self._read, self._plan, self._apply, check_mode=check_mode)
        if check_mode:
            self._foresee([op for change in plan.changes for op in change.payload])
        return self._result(plan, state)

    def _plan(self, state: State, *, known: bool = True) -> Plan:
        rewrite = self._ask.update_secrets == "always"
        by = self._ask.managing.by
        if by:
            self._rest = rest_of(self._ask.managing, self._principals, state.census(), state.marked(by))
        plan = make_principal_plan(
            state,
            [*self._principals, *self._rest.principals],
            rewrite_passwords=rewrite,
            known=known,
            missing=self._missing,
            released={address: str(by) for address in self._rest.released},
        )
        refuse_many(self._ask.managing, self._rest, plan.changes)
        refuse_placeholders(op.password for change in plan.changes for op in change.payload)
        return plan

    def _read(self) -> State:
        client = present(self._client)
        fields = [*FIELDS, *(["secrets"] if any(p.password for p in self._principals) else [])]
        fields += [MARKS] if self._ask.managing.by else []
        data = client.get(_PATH, {"types": ",".join(TYPES), "fields": ",".join(fields), "limit": "0"})
        items = data.get("items") if isinstance(data, dict) else None
        if not isinstance(items, list):
            raise Failure("stalwart", "protocol", f"GET {client.http.base_url}{_PATH}: no principals in the answer.")
        if self._ask.settled and not self._settings_matter(State(items)):
            return State(items)
        keys, prefixes = set(SETTINGS_KEYS), set(SETTINGS_PREFIXES)
        removes = self._ask.managing.removes
        if removes or any(
            p.send_as is not None or p.login_name is not None or p.state == "absent" for p in self._principals
        ):
            keys.update(send_as.SETTINGS_KEYS)
            prefixes.update(send_as.SETTINGS_PREFIXES)
        return State(items, client.keys(keys, prefixes))

    def _settings_matter(self, state: State) -> bool:
        """Whether what these principals need depends on settings, which cost a request of their own."""
        for principal in self._principals:
            held = find(state, principal)
            asked = principal.send_as is not None or principal.login_name is not None or principal.password
            # An account that is called by its address may be one that an issuer's claim does not find.
            own_name = held is not None and principal.type == INDIVIDUAL and held.name == principal.name
            if asked or own_name or held is None or principal.state == "absent":
                return True
        try:
            return bool(self._plan(state))
        except Failure:
            return True

    def _apply(self, plan: Plan, state: State) -> None:
        """Write, marked first: a controller that dies before the reload leaves the marks for the next run.

        The server believes for an hour that an address does not exist, or does, so addresses need a reload, too
        (contract 3.8).
        """
        client = present(self._client)
        ops: list[Op] = [op for change in plan.changes for op in change.payload]
        settings = [op.settings for op in ops if op.settings]
        addresses = [op for op in ops if op.addresses]
        areas = {area for change in settings for area in change.reloads} | ({"settings"} if addresses else set())
        marks = send_as.markers(areas)
        self._trial(ops)
        done: list[str] = []
        try:
            if addresses:
                client.write([insert(marks)])
            for op in ordered(ops):
                self._write(op, state)
                done.append(op.address)
            if settings:
                client.write([insert(marks), *_operations(settings, marks)])
            for area, what in RELOADS.items():
                if area in areas:
                    client.reload(what=what)
            if areas:
                client.write([delete(marks)])
        except Failure as failure:
            raise after_writes(failure, done) from None

    def _trial(self, ops: t.Sequence[Op]) -> None:
        """A wrong key of somebody else would block the reload afterwards, with half of the work done.

        :raises Failure: ``reload_refused``.
        """
        if any(op.settings or (op.addresses and op.kind != "delete") for op in ops):
            present(self._client).reload(dry_run=True, stored=False)

    def _foresee(self, ops: t.Sequence[Op]) -> None:
        """In check mode a configuration that cannot be reloaded is a warning: an earlier task of the run may heal it."""
        try:
            self._trial(ops)
        except Failure as failure:
            if failure.code != "reload_refused":
                raise
            self._barred = f"Outside check mode this is a failure: {failure.message}"

    def _write(self, op: Op, state: State) -> None:
        client = present(self._client)
        path = f"{_PATH}/{quote(op.name, safe='')}"
        try:
            if op.kind == "create":
                # Under an external directory the plain path refuses individuals (contract 4.4); otherwise they are one.
                body = dict(op.body)
                if op.password:
                    body["secrets"] = [hash_password(op.password)]
                client.post(f"{_PATH}/deploy" if body["type"] == INDIVIDUAL and state.directory else _PATH, body)
            elif op.kind == "update":
                steps = list(op.steps)
                if op.password:
                    steps.append({"action": "addItem", "field": "secrets", "value": hash_password(op.password)})
                if steps:
                    self._patch(path, steps)
            elif op.kind == "delete":
                client.delete(path)
        except ApiError as error:
            if op.kind == "delete" and error.kind == "notFound":
                return
            raise _explained(op, error) from None
        except Failure as failure:
            if (failure.request or {}).get("status") != 400:
                raise
            raise _refused(op, failure) from None

    def _patch(self, path: str, steps: t.Sequence[t.Mapping[str, t.Any]]) -> None:
        for start in range(0, len(steps), _STEPS):
            self._try_patch(path, steps[start : start + _STEPS])

    def _try_patch(self, path: str, steps: t.Sequence[t.Mapping[str, t.Any]]) -> None:
        for attempt in range(_TRIES):
            try:
                present(self._client).patch(path, list(steps))
                return
            except Failure as failure:
                lost = (failure.request or {}).get("status") == 500
                if not lost or attempt == _TRIES - 1:
                    raise

    def _result(self, plan: Plan, state: t.Optional[State]) -> Result:
        return {
            "changed": plan.changed,
            "changes": plan.summary(),
            "diff": plan.diff(),
            "principals": [] if state is None else [self._now(state, p) for p in self._principals],
            "disappeared": self._rest.told(),
            "unvalidated": False,
            "warnings": [
                *self._rest.warnings(),
                *self._cautions(plan, state),
                *filter(None, [self._barred]),
                *(self._worries(state) if state is not None else ()),
            ],
            "schema_hash": None,
        }

    def _cautions(self, plan: Plan, state: t.Optional[State]) -> list[str]:
        if state is None or self._client is None:
            return []
        created = {change.key for change in plan.changes if change.action == "create"}
        kinds = state.census().kinds if any(p.state == "suspended" for p in self._principals) else {}
        server = self._client.http.base_url
        lists = any(p.type == LIST and p.given.get("members") for p in self._principals)
        return [
            *cautions(server, self._missing, self._principals, created, kinds),
            *(nobodies(server, state.census(), self._principals) if lists else ()),
        ]

    def _worries(self, state: State) -> t.Iterator[str]:
        claim = state.username_claim
        for principal in self._principals:
            held = find(state, principal)
            if held is None or principal.state == "absent" or principal.type != INDIVIDUAL:
                continue
            if not held.roles and not held.enabled:
                yield f"{principal.name} has no role, so it can neither log in nor receive mail; give roles: [user]."
            if claim and principal.login_name is None and held.name == principal.name:
                yield (
                    f"The account of {principal.name} is called {held.name}; logins find it only where the claim {claim!r} "
                    "says that. Give login_name, which is the claim's value."
                )

    @staticmethod
    def _now(state: State, principal: Principal) -> dict[str, t.Any]:
        """A principal as the server holds it now."""
        held = find(state, principal)
        if held is None:
            return {"name": principal.name, "type": principal.type, "state": "absent"}
        current = view(state, held)
        if principal.type == INDIVIDUAL:
            current["login_name"] = held.name
        if principal.send_as is not None:
            current["send_as"] = send_as.senders_of(state.settings, held.name)
        return {"name": principal.name, "type": principal.type, "state": "present", **current}


def _operations(changes: t.Sequence[send_as.SettingsChange], marks: t.Collection[str]) -> list[Operation]:
    gone = {key for change in changes for key in change.delete} - set(marks)
    return [insert(change.insert) for change in changes if change.insert] + ([delete(gone)] if gone else [])


def _refused(op: Op, failure: Failure) -> Failure:
    """A body that the server cannot read, with the principal it is about."""
    return Failure(
        failure.layer,
        failure.code,
        f"{op.key}: {failure.message}",
        hint=failure.hint,
        request=failure.request,
        details=failure.details,
    )


def _explained(op: Op, error: ApiError) -> Failure:
    """An error inside a 200 body, with the principal it is about."""
    shown = str(error.details or "")
    message, code, hint = error.message, error.code, "Correct it and run again."
    if error.kind == "fieldAlreadyExists":
        message = f"somebody else has its {'name' if error.field == 'name' else 'address'} by now."
    elif error.kind == "notFound" and error.item != op.name:
        message = f"the server does not know {error.item!r}, which it refers to."
    elif shown in _NOT_YOURS:
        code = "forbidden"
        hint = "The credential can hand on only roles and permissions that it has itself."
    elif shown == "Invalid email address" or "email" in shown.lower():
        hint = "Once a list exists, 0.15 takes further outside members only below a public suffix. " + hint
    return Failure("stalwart", code, f"{op.key}: {message}", hint=hint, request=error.request, details=error.details)
