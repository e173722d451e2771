# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tokens of a realm as a mail client gets them, and what Keycloak's refusals mean."""

from __future__ import annotations

import dataclasses
import threading
import typing as t

from ..http_client import HttpClient
from .checks import Wrong

#: How Keycloak says that it refuses a token (RFC 6749 section 5.2).
_REFUSALS = (400, 401, 403, 404)


@dataclasses.dataclass(frozen=True)
class Login:
    """A client and a user of a realm; without a user the client's own credentials are used.

    :param realm_url: the realm's URL, which is its issuer.
    """

    realm_url: str
    client_id: str
    client_secret: t.Optional[str] = dataclasses.field(default=None, repr=False)
    username: t.Optional[str] = None
    password: t.Optional[str] = dataclasses.field(default=None, repr=False)

    @classmethod
    def of(cls, options: t.Mapping[str, t.Any]) -> Login:
        """From a module's options."""
        return cls(
            options["realm_url"].rstrip("/"),
            options["client_id"],
            options.get("client_secret") or None,
            options.get("username") or None,
            options.get("password") or None,
        )

    @property
    def secrets(self) -> list[str]:
        """Values that must reach no message."""
        return [value for value in (self.client_secret, self.password) if value]


@dataclasses.dataclass(frozen=True)
class Answer:
    """What the token endpoint said. :param token: empty when it refused."""

    token: str = dataclasses.field(default="", repr=False)
    status: int = 200
    error: str = ""
    description: str = ""

    @property
    def refusal(self) -> str:
        """For people."""
        return f"HTTP {self.status} {self.error}: {self.description}".strip(": ")


class Tokens:
    """The token endpoint of one login's realm; each request is counted.

    :raises Failure: ``invalid_value`` for the URL.
    """

    def __init__(self, login: Login, ca_path: t.Optional[str] = None) -> None:
        self.login = login
        self._http = HttpClient("keycloak", login.realm_url, ca_path=ca_path, secrets=login.secrets)
        # With brute-force protection Keycloak refuses a login while another one of the same user is under way.
        self._one_at_a_time = threading.Lock()

    @property
    def requests(self) -> int:
        """HTTP requests made so far."""
        return self._http.requests

    def close(self) -> None:
        """Close the pooled connections."""
        self._http.close()

    def issuer(self) -> t.Optional[str]:
        """The issuer in the realm's discovery document; none when there is no such realm."""
        answer = self._http.request("GET", "/.well-known/openid-configuration", expected=(200, 404))
        return None if answer.status_code == 404 else str(self._http.json(answer, dict).get("issuer"))

    def ask(self, scope: str, client_id: str = "") -> Answer:
        """A token with these scopes, or the refusal.

        :param client_id: another client with the same secret.
        :raises Failure: when there is no answer to tell.
        """
        login = self.login
        form = {
            "client_id": client_id or login.client_id,
            "client_secret": login.client_secret,
            "scope": scope or None,
        }
        if login.username:
            form.update(grant_type="password", username=login.username, password=login.password)
        else:
            form.update(grant_type="client_credentials")
        with self._one_at_a_time:
            response = self._http.request(
                "POST",
                "/protocol/openid-connect/token",
                data={name: value for name, value in form.items() if value is not None},
                expected=(200, *_REFUSALS),
                # A token request changes nothing that a second one could spoil.
                idempotent=True,
            )
        if response.status_code == 404:
            return Answer(status=404, error="not_found", description="there is no such realm")
        body = self._http.json(response, dict)
        if response.status_code == 200 and isinstance(body.get("access_token"), str):
            self._http.redactor.add(body["access_token"])
            return Answer(token=body["access_token"])
        return Answer("", response.status_code, str(body.get("error")), str(body.get("error_description") or ""))


#: Causes of a refusal by ``error`` and by what ``error_description`` says, in lower case; the first that fits counts.
_MEANING: tuple[tuple[str, str, str], ...] = (
    ("not_found", "", "realm_missing"),
    ("unauthorized_client", "direct access grants", "direct_grant_off"),
    ("unauthorized_client", "", "client_secret_differs"),
    ("invalid_client", "", "client_secret_differs"),
    ("invalid_scope", "", "scope_missing"),
    ("invalid_grant", "not fully set up", "probe_incomplete"),
    ("invalid_grant", "temporarily", "probe_locked_out"),
    ("invalid_grant", "disabled", "probe_disabled"),
    ("invalid_grant", "", "probe_password_differs"),
)


def meaning(answer: Answer) -> str:
    """The cause of a refusal, as far as the answer itself tells. Pure."""
    for error, words, cause in _MEANING:
        if answer.error == error and words in answer.description.lower():
            return cause
    return "login_refused"


class Facts(t.Protocol):
    """What the realm's admin API tells of a refused login (:class:`.probe_realm.Realm`)."""

    def client_state(self, client_id: str) -> str:
        """``missing``, ``disabled`` or ``enabled``."""

    def user_state(self, username: str) -> str:
        """``missing``, ``locked``, ``disabled`` or ``enabled``."""


def refused(answer: Answer, login: Login, facts: t.Optional[Facts]) -> Wrong:
    """What to raise for a refused login: Keycloak hides which of its reasons it is, the admin API tells."""
    cause = meaning(answer)
    more = {"username": login.username or "", "realm": login.realm_url.rpartition("/")[2]}
    if facts is not None and cause == "client_secret_differs":
        cause = {"missing": "client_missing", "disabled": "client_disabled"}.get(
            facts.client_state(login.client_id), cause
        )
    if facts is not None and cause in ("probe_password_differs", "probe_disabled") and login.username:
        found = facts.user_state(login.username)
        states = {"missing": "probe_user_missing", "locked": "probe_locked_out", "disabled": "probe_disabled"}
        cause = states.get(found, cause)
    return Wrong(cause, answer.refusal, **more)
