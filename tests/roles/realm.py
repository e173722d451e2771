"""A realm of the tests' own on the sandbox's Keycloak, and role `realm` run on it alone."""

from __future__ import annotations

import base64
import json
from typing import Any

from tests.sandbox import facts

REALM = "sme-roletest"
CANARIES = {name: f"canary-0123456789-{name}" for name in ("stalwart", "wordpress", "openclaw")}
PROBE_SECRETS = ["canary-0123456789-probe-client", "canary-0123456789-probe-user"]
FIRST_PASSWORD = "canary-0123456789-first"
PROBE = {
    "client_id": "tenantmail-probe",
    "expired_client_id": "tenantmail-probe-expired",
    "username": "tenantmail-probe",
    "email": "tenantmail-probe@acme.test",
    "group": "tenantmail-probe-group",
}
ALICE = {
    "username": "alice",
    "email": "alice@acme.test",
    "first_name": "Alice",
    "last_name": "Smith",
    "groups": ["sales", "sme-user"],
}
SECRETS = (*CANARIES.values(), *PROBE_SECRETS, FIRST_PASSWORD)


def variables(realm: str = REALM, **changes: Any) -> dict[str, Any]:
    """What the README calls "alone", with the sandbox's provisioner, who may create realms and nothing else."""
    settings = facts.settings()
    client = {"web_origins": [], "redirect_uris": []}
    return {
        "realm_name": realm,
        "realm_url": f"{settings.keycloak_url}/realms/{realm}",
        "realm_admin_url": settings.keycloak_url,
        "realm_auth": {
            "client_id": "provisioner",
            "client_secret": (settings.credentials / "keycloak-provisioner-secret").read_text(),
        },
        "realm_auth_realm": "master",
        "realm_ca_path": str(settings.ca_file),
        "realm_display_name": "Role test",
        "realm_admin_events": True,
        "realm_scopes": ["openid", "email", "profile", "groups"],
        "realm_audience_scope": "stalwart-audience",
        "realm_group_parent": None,
        "realm_groups": ["sme-admin", "sme-user"],
        "realm_clients": [
            {
                "client_id": "stalwart",
                "audience": True,
                "redirect_uris": ["https://mail.acme.test/*"],
                "web_origins": ["+"],
            },
            {"client_id": "wordpress", **client},
            {"client_id": "openclaw", **client},
        ],
        "realm_client_options": {"wordpress": {"redirect_uris": ["https://www.acme.test/login"]}},
        "realm_client_secrets": CANARIES,
        "realm_public_clients": [
            {
                "client_id": "stalwart-public",
                "redirect_uris": ["https://mail.acme.test/*", "http://127.0.0.1/*", "http://localhost/*"],
            }
        ],
        "realm_users": [],
        "realm_user_passwords": {},
        "realm_probe": PROBE,
        "realm_probe_state": "enabled",
        "realm_probe_secrets": PROBE_SECRETS,
        "realm_manage": True,
        "realm_offline": False,
        **changes,
    }


class Realm:
    """The realm as its administrator sees and changes it; a token lives a minute, so each request gets its own."""

    def __init__(self, name: str = REALM) -> None:
        self.name = name

    def request(self, method: str, path: str = "", **kwargs: Any) -> Any:
        with facts.keycloak() as session:
            answer = session.request(
                method, f"{facts.settings().keycloak_url}/admin/realms/{self.name}{path}", timeout=30, **kwargs
            )
        answer.raise_for_status()
        return answer.json() if answer.content else None

    def exists(self) -> bool:
        with facts.keycloak() as session:
            url = f"{facts.settings().keycloak_url}/admin/realms/{self.name}"
            return session.get(url, timeout=30).status_code == 200

    def remove(self) -> None:
        if self.exists():
            self.request("DELETE")

    def update(self, path: str, **changes: Any) -> None:
        self.request("PUT", path, json={**self.request("GET", path), **changes})

    def client(self, client_id: str) -> dict[str, Any]:
        (client,) = self.request("GET", f"/clients?clientId={client_id}")
        return client

    def user(self, name: str) -> dict[str, Any]:
        (user,) = self.request("GET", f"/users?exact=true&username={name}")
        return user

    def named(self, path: str, name: str) -> dict[str, Any]:
        return next(item for item in self.request("GET", path) if item["name"] == name)

    def children(self, parent: str) -> dict[str, dict[str, Any]]:
        path = f"/groups/{self.named('/groups', parent)['id']}/children?briefRepresentation=false"
        return {group["name"]: group for group in self.request("GET", path)}

    def events(self) -> list[Any]:
        return self.request("GET", "/admin-events")

    def login(self, username: str, password: str, **form: str) -> tuple[dict[str, Any], dict[str, Any]]:
        """The answer to a token request by direct grant, and the claims of the access token, if there is one."""
        with facts.http() as session:
            answer = session.post(
                f"{facts.settings().keycloak_url}/realms/{self.name}/protocol/openid-connect/token",
                data={
                    "grant_type": "password",
                    "client_id": PROBE["client_id"],
                    "client_secret": PROBE_SECRETS[0],
                    "username": username,
                    "password": password,
                    "scope": "openid groups stalwart-audience",
                    **form,
                },
                timeout=30,
            )
        body = answer.json()
        token = body.get("access_token")
        if token is None:
            return body, {}
        part = token.split(".")[1]
        return body, json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))

    def authorization(self, client_id: str, redirect_uri: str, **query: str) -> tuple[int, str]:
        """Status of the authorization endpoint's answer, and where it redirects to; 200 is the login form."""
        with facts.http() as session:
            answer = session.get(
                f"{facts.settings().keycloak_url}/realms/{self.name}/protocol/openid-connect/auth",
                params={"client_id": client_id, "response_type": "code", "redirect_uri": redirect_uri, **query},
                allow_redirects=False,
                timeout=30,
            )
        return answer.status_code, answer.headers.get("Location", "")

    def user_info(self, token: str) -> dict[str, Any]:
        """What the mail server asks for when a token leaves a claim out."""
        with facts.http() as session:
            answer = session.get(
                f"{facts.settings().keycloak_url}/realms/{self.name}/protocol/openid-connect/userinfo",
                headers={"Authorization": f"Bearer {token}"},
                timeout=30,
            )
        answer.raise_for_status()
        return answer.json()
