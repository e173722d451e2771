# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The checks of tokens and logins: which the realm gives, which the server accepts, which it refuses."""

from __future__ import annotations

import time

from ..failure import Failure
from ..keycloak import claims
from ..keycloak.tokens import Login, Tokens
from . import probe_imap, probe_smtp
from . import probe_port as ports
from .checks import NotApplicable, Wrong
from .claims import LEEWAY, Wanted, faults
from .probe_context import Context
from .probe_token import token_of

#: SASL mechanisms that show a password to everybody who listens in (RFC 4616 section 6).
PASSWORDS = frozenset(("PLAIN", "LOGIN"))


class Logins:
    """Checks named ``realm.issuer``, ``token.*``, ``port.*``, ``login.*``, ``foreign.*`` and ``refused.*``."""

    def __init__(self, context: Context) -> None:
        self._c = context
        self._realm = context.params["realm"]

    def issuer(self) -> str:
        """``realm.issuer``"""
        wanted = self._realm["realm_url"].rstrip("/")
        found = self._c.tokens.issuer()
        if found is None:
            raise Wrong("realm_missing", f"there is no realm at {wanted}")
        if found.rstrip("/") != wanted:
            raise Wrong("issuer_changed", f"the issuer is {found}")
        return found

    def probe(self) -> str:
        """``token.probe``"""
        token = self._token(self._c.scopes())
        try:
            found = claims.decode(token)
        except claims.NoToken as exc:
            raise Wrong("audience_missing", f"the token is opaque: {exc}") from None
        wrong = faults(found, self._wanted(), time.time())
        if wrong:
            raise Wrong(wrong[0].cause, "; ".join(fault.observed for fault in wrong), **wrong[0].facts)
        self._c.token = token
        return f"aud {', '.join(claims.audiences(found))}; groups {', '.join(claims.groups(found) or [])}"

    def _wanted(self) -> Wanted:
        realm = self._realm
        # 0.15 takes the address from a token, and no groups (contract 0.15 4.3).
        old = self._c.generation == "0.15"
        return Wanted(
            realm["realm_url"],
            realm["audience"],
            tuple(realm["scopes"]),
            self._c.domain,
            self._c.address,
            self._c.group.partition("@")[0],
            frozenset() if old else self._c.users,
            self._c.address if old else "",
        )

    def foreign_token(self) -> str:
        """``token.foreign``: of the first other realm that gives one; its faults are not this tenant's."""
        why = ["no other realm is given to try"]
        for options in self._c.params["foreign"]:
            login = Login.of(options)
            name = login.realm_url.rpartition("/")[2]
            tokens = Tokens(login, self._realm["ca_path"])
            try:
                answer = tokens.ask(self._c.scopes())
                if not answer.token and answer.error == "invalid_scope":
                    answer = tokens.ask("openid")
            except Failure as failure:
                why.append(f"{name}: {failure.message}")
                continue
            finally:
                tokens.close()
            if answer.token and not probe_smtp.fits(self._c.address, answer.token):
                # An administrator's names every realm, and a server would refuse the line, not the token.
                why.append(f"{name}: its token is longer than an SMTP command may be")
                continue
            if answer.token:
                self._c.foreign = (name, answer.token)
                return f"a token of realm {name}"
            why.append(f"{name}: {answer.refusal}")
        raise NotApplicable("; ".join(why[-3:]))

    # Ports ------------------------------------------------------------------------------------------------------------

    def smtp_port(self, service: str) -> str:
        """``port.smtp``, ``port.submissions``, ``port.submission``"""
        with self._c.smtp(service) as session:
            if session.name != self._c.host:
                raise Wrong("other_host", f"{session.port} is {session.name or 'nameless'}, not {self._c.host}")
            if not session.encrypted:
                raise Wrong(
                    "no_starttls", f"{session.port} offers {', '.join(sorted(session.esmtp_features)) or 'nothing'}"
                )
            self._c.served[service] = ports.served(session.sock)
            in_clear = PASSWORDS.intersection(session.clear)
            if in_clear:
                raise Wrong(
                    "passwords_in_clear", f"{session.port} offers {', '.join(sorted(in_clear))} before STARTTLS"
                )
            return f"{session.port} {session.greeting}"

    def imap_port(self, service: str) -> str:
        """``port.imaps``, ``port.imap``"""
        with self._c.told_apart(), probe_imap.Session(self._c.port(service)) as session:
            if not session.encrypted:
                raise Wrong("no_starttls", f"{self._c.port(service)} offers no STARTTLS")
            self._c.served[service] = ports.served(session.sock)
            return f"{self._c.port(service)} {session.greeting}"

    # A right token ----------------------------------------------------------------------------------------------------

    def jmap(self) -> str:
        """``login.jmap``"""
        session = self._c.server.jmap.session(self._c.token)
        if session.status == 403:
            raise Wrong("login_forbidden", session.reason)
        if session.status != 200:
            raise Wrong("token_refused", session.reason)
        # 0.15 calls an account by its login name.
        if session.username.lower() not in (self._c.address, self._c.address.partition("@")[0]) or not session.account:
            raise Wrong(
                "mailbox_missing", f"the session is of {session.username or 'nobody'}, without a mailbox of its own"
            )
        return f"session of {session.username}"

    def smtp(self) -> str:
        """``login.smtp``"""
        with self._c.submission() as session:
            reply = session.bearer(self._c.address, self._c.token)
            if not reply.accepted:
                raise Wrong(probe_smtp.refusal_cause(reply, "token_refused"), str(reply))
            return str(reply)

    def imap(self) -> str:
        """``login.imap``"""
        with self._c.mailbox() as session:
            return f"mailboxes {', '.join(session.mailboxes()[:8])}"

    # Tokens that must not work ----------------------------------------------------------------------------------------

    def foreign_jmap(self) -> str:
        """``foreign.jmap``"""
        name, token = self._foreign()
        return self._jmap_refuses(token, "foreign_accepted", f"a token of realm {name}")

    def foreign_smtp(self) -> str:
        """``foreign.smtp``"""
        name, token = self._foreign()
        with self._c.submission() as session:
            reply = session.bearer(self._c.address, token)
        if reply.accepted:
            raise Wrong("foreign_accepted", f"a token of realm {name}: {reply}")
        if reply.code not in probe_smtp.REFUSED_LOGIN:
            raise Wrong(probe_smtp.refusal_cause(reply, "token_refused"), str(reply))
        return str(reply)

    def foreign_imap(self) -> str:
        """``foreign.imap``"""
        name, token = self._foreign()
        with self._c.imap() as session:
            try:
                session.bearer(self._c.address, token)
            except probe_imap.LoginRefused as exc:
                return str(exc)
        raise Wrong("foreign_accepted", f"a token of realm {name} opens a mailbox by IMAP")

    def _foreign(self) -> tuple[str, str]:
        if self._c.foreign is None:
            raise NotApplicable("there is no token of another realm")
        return self._c.foreign

    def without_audience(self) -> str:
        """``refused.audience``"""
        self._claims_are_checked()
        token = self._token(self._c.scopes(self._realm["audience_scope"]))
        if self._realm["audience"] in claims.audiences(claims.decode(token)):
            raise NotApplicable("the realm gives the audience unasked, so there is no token without it")
        return self._jmap_refuses(token, "audience_not_required", "a token without the audience")

    def without_groups(self) -> str:
        """``refused.groups``"""
        self._claims_are_checked()
        scope = self._realm["groups_scope"]
        token = self._token(self._c.scopes(scope))
        if scope in claims.scopes(claims.decode(token)):
            raise NotApplicable(f"the realm gives the scope {scope} unasked, so there is no token without it")
        return self._jmap_refuses(token, "groups_not_required", f"a token without the scope {scope}")

    def expired(self) -> str:
        """``refused.expired``"""
        client = self._realm["expired_client_id"]
        if not client:
            raise NotApplicable("the realm has no client whose tokens have expired")
        token = self._token(self._c.scopes(), client)
        left = float(claims.decode(token).get("exp") or 0) - time.time()
        if left > -LEEWAY:
            raise NotApplicable(f"the token of {client} is not old enough (exp in {left:.0f} s)")
        return self._jmap_refuses(token, "expired_accepted", "an expired token")

    def _claims_are_checked(self) -> None:
        if self._c.generation == "0.15":
            raise NotApplicable("0.15 asks the realm about a token and looks at no claim of it")

    def _token(self, scope: str, client_id: str = "") -> str:
        return token_of(self._c.tokens, scope, client_id, self._c.realm)

    def _jmap_refuses(self, token: str, cause: str, what: str) -> str:
        """By HTTP, because the server counts some refusals and bans; through a port-forward it does not."""
        session = self._c.server.jmap.session(token)
        if session.status == 200:
            raise Wrong(cause, f"{what} opens the session of {session.username}")
        return session.reason
