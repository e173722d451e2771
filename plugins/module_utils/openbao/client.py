# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reads from OpenBao (or HashiCorp Vault): one login, one GET per path. Writing is community.hashi_vault's business."""

from __future__ import annotations

import typing as t
import urllib.parse

from ..failure import Failure
from ..http_client import HttpClient
from ..redact import check_secret
from .model import LAYER, Secret, secret_from_answer

if t.TYPE_CHECKING:
    from requests import Response


class OpenBaoClient:
    """The KV version 2 engine at one mount.

    :param auth: validated against :data:`.argspec.AUTH`.
    :raises Failure: ``invalid_value`` without credentials (a plan offline needs none), or for a short one.
    """

    def __init__(self, url: str, mount: str, auth: t.Mapping[str, t.Any] | None, ca_path: str | None = None) -> None:
        if auth is None:
            raise Failure(LAYER, "invalid_value", "no credentials are given.", hint="Set platform_openbao_auth.")
        for field in ("secret_id", "token"):
            check_secret(LAYER, f"platform_openbao_auth.{field}", auth.get(field))
        self.mount = mount.strip("/")
        self._auth = auth
        self._http = HttpClient(
            LAYER,
            url,
            headers={"X-Vault-Request": "true"},
            ca_path=ca_path,
            secrets=[auth.get("secret_id"), auth.get("token"), auth.get("jwt")],
        )

    @property
    def requests(self) -> int:
        """HTTP requests made so far."""
        return self._http.requests

    def __enter__(self) -> OpenBaoClient:
        return self

    def __exit__(self, *_exc: object) -> None:
        self._http.close()

    def login(self) -> None:
        """Get a token by the method given; ``token`` needs no request.

        :raises Failure: ``unauthorized``, ``sealed``, ``unreachable``.
        """
        method = self._auth["method"]
        if method == "token":
            self._use(self._auth["token"])
            return
        if method == "approle":
            body = {"role_id": self._auth["role_id"], "secret_id": self._auth["secret_id"]}
        else:
            body = {"role": self._auth["role_id"], "jwt": self._auth["jwt"]}
        mount_point = (self._auth.get("mount_point") or method).strip("/")
        try:
            answer = self._http.request("POST", f"/v1/auth/{mount_point}/login", json=body)
        except Failure as exc:
            self._raise_if_sealed(exc)
            # 400, 403 or 404 by method and version; Vault 1.13 answers 500 to a wrong Secret ID.
            if exc.code in ("invalid_value", "forbidden", "not_found") or "invalid" in exc.message:
                raise Failure(
                    LAYER,
                    "unauthorized",
                    f"the login by {method} at auth/{mount_point} was refused: {exc.message}",
                    hint="Check platform_openbao_auth.",
                    request=exc.request,
                ) from None
            raise
        token = (self._http.json(answer, dict).get("auth") or {}).get("client_token")
        if not isinstance(token, str):
            raise Failure(
                LAYER, "protocol", f"the login by {method} at auth/{mount_point} was answered without a token."
            )
        self._use(token)

    def read(self, path: str) -> Secret:
        """The newest version of the secret at ``path`` (below the mount).

        :raises Failure: ``sealed``, ``forbidden``, ``unauthorized``, ``unreachable``, ``protocol``.
        """
        answer = self._get(f"/v1/{self.mount}/data/{urllib.parse.quote(path)}", expected=(200, 404))
        try:
            body = answer.json()
        except ValueError:
            body = None
        return secret_from_answer(path, answer.status_code, body)

    def check_engine(self) -> None:
        """Make sure that the mount is a KV version 2 engine: a missing mount and version 1 answer like a missing secret.

        :raises Failure: ``not_found`` or ``invalid_value``, naming the mount.
        """
        answer = self._get(f"/v1/sys/internal/ui/mounts/{urllib.parse.quote(self.mount)}")
        data = self._http.json(answer, dict).get("data") or {}
        version = (data.get("options") or {}).get("version")
        if data.get("type") != "kv" or str(version) != "2":
            raise Failure(
                LAYER,
                "invalid_value",
                f"the mount {self.mount!r} is no KV version 2 engine (type {data.get('type')}, version {version}).",
                hint="Set platform_openbao_mount to a KV version 2 engine.",
            )

    def _use(self, token: str) -> None:
        self._http.set_header("X-Vault-Token", token, secret=token)

    def _get(self, path: str, expected: tuple[int, ...] = (200,)) -> Response:
        try:
            # 503 is taken at once: a sealed server stays sealed until somebody acts, so retrying only costs time.
            answer = self._http.request("GET", path, expected=(*expected, 503))
            if answer.status_code == 503:
                self._raise_if_sealed(self._http.failure_of(answer))
                answer = self._http.request("GET", path, expected=expected)
            return answer
        except Failure as exc:
            if exc.code == "forbidden":
                raise self._refused(exc) from None
            raise

    def _raise_if_sealed(self, exc: Failure) -> None:
        if not exc.request or exc.request.get("status") != 503:
            return
        state = self._http.json(self._http.request("GET", "/v1/sys/seal-status"), dict)
        if state.get("sealed"):
            raise Failure(
                LAYER,
                "sealed",
                f"the server at {self._http.base_url} is sealed.",
                hint="Unseal it (bao operator unseal) and run again.",
                request=exc.request,
            ) from None

    def _refused(self, exc: Failure) -> Failure:
        """403 means a bad token or a missing policy; only the token itself can tell which."""
        own = self._http.request("GET", "/v1/auth/token/lookup-self", expected=(200, 403))
        if own.status_code == 403:
            return Failure(
                LAYER,
                "unauthorized",
                f"the token is not valid (any more), or may not look itself up: {exc.message}",
                hint="Check platform_openbao_auth.",
                request=exc.request,
            )
        policies = ", ".join((self._http.json(own, dict).get("data") or {}).get("policies") or []) or "none"
        return Failure(
            LAYER,
            "forbidden",
            f"the token's policies ({policies}) do not allow it: {exc.message}",
            hint="Check platform_openbao_mount, and grant what the README of role secrets lists under least privilege.",
            request=exc.request,
        )
