# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tokens of a realm as a mail client gets them: the realm's own URL, without the admin API."""

from __future__ import annotations

import dataclasses
import threading
import time
import typing as t

from ..failure import Failure
from ..http_client import HttpClient
from .model import LAYER

#: How Keycloak says that it refuses a token (RFC 6749 section 5.2).
_REFUSALS = (400, 401, 403, 404)
#: Requests for one token where logins of the same user may cross.
TRIES = 3
#: Seconds between them: longer than a login takes, and than the second within which Keycloak takes two wrong passwords for
#: an attack (quickLoginCheckMilliSeconds).
PAUSE = 1.2


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

    def form(self, scope: str = "", client_id: str = "") -> dict[str, str]:
        """The token request (RFC 6749 sections 4.3 and 4.4)."""
        form = {
            "grant_type": "password" if self.username else "client_credentials",
            "client_id": client_id or self.client_id,
            "client_secret": self.client_secret,
            "username": self.username,
            "password": self.password,
            "scope": scope or None,
        }
        return {name: value for name, value in form.items() if value is not None}


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

    @property
    def blames_password(self) -> bool:
        """Whether it is what Keycloak says to a wrong password, and to a login that crosses another one."""
        return self.error == "invalid_grant" and "user credentials" in self.description.lower()


class Blame(t.NamedTuple):
    """What brute-force detection holds against a user. :param failures: logins since the last good one."""

    failures: int
    locked: bool


def blame(get_json: t.Callable[[str, str], t.Any], user_id: str) -> Blame:
    """Ask the admin API for it.

    :param get_json: as :meth:`.client.KeycloakClient.get_json`.
    """
    found = get_json(f"/attack-detection/brute-force/users/{user_id}", "view-users")
    return Blame(int(found.get("numFailures") or 0), bool(found.get("disabled")))


def settled(ask: t.Callable[[], Answer], blameless: t.Callable[[], bool]) -> Answer:
    """A token, or a refusal that another login of the same user is not the reason for.

    With brute-force protection Keycloak takes one login of a user at a time, and answers another one as if the password were
    wrong, but does not count it.

    :param blameless: whether Keycloak counts no failure of the user and has not locked it.
    """
    answer = ask()
    for _try in range(TRIES - 1):
        if not answer.blames_password or not blameless():
            break
        # Nothing tells when the other login has ended.
        time.sleep(PAUSE)
        answer = ask()
    return answer


class Tokens:
    """The token endpoint of one login's realm; each request is counted.

    :raises Failure: ``invalid_value`` for the URL.
    """

    def __init__(self, login: Login, ca_path: t.Optional[str] = None) -> None:
        self.login = login
        self._http = HttpClient(LAYER, login.realm_url, ca_path=ca_path, secrets=login.secrets)
        # Within a process logins of a user need not cross (:func:`settled`).
        self._one_at_a_time = threading.Lock()

    @property
    def requests(self) -> int:
        """HTTP requests made so far."""
        return self._http.requests

    def close(self) -> None:
        """Close the pooled connections."""
        self._http.close()

    def issuer(self) -> t.Optional[str]:
        """The issuer in the realm's discovery document (OpenID Connect Discovery 1.0, section 4.3); none without a realm.

        Asked at the realm's own URL, as the mail server does.
        """
        answer = self._http.request("GET", "/.well-known/openid-configuration", expected=(200, 404))
        return None if answer.status_code == 404 else str(self._http.json(answer, dict).get("issuer"))

    def ask(self, scope: str, client_id: str = "") -> Answer:
        """A token with these scopes, or the refusal.

        :param client_id: another client with the same secret.
        :raises Failure: when there is no answer to tell.
        """
        with self._one_at_a_time:
            response = self._http.request(
                "POST",
                "/protocol/openid-connect/token",
                data=self.login.form(scope, client_id),
                expected=(200, *_REFUSALS),
                # A token request changes nothing that a second one could spoil.
                idempotent=True,
            )
        if response.status_code == 404:
            return Answer(status=404, error="not_found", description="there is no such realm")
        body = self._http.json(response, dict)
        if response.status_code != 200:
            description = self._http.redactor.body(str(body.get("error_description") or ""))
            return Answer("", response.status_code, self._http.redactor.body(str(body.get("error"))), description)
        token = body.get("access_token")
        if not isinstance(token, str) or not token:
            raise Failure(LAYER, "protocol", "the realm answered a token request without a token (access_token).")
        self._http.redactor.add(token)
        return Answer(token)
