# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""OpenBao's API: HashiCorp Vault 1.13, the version OpenBao was forked from, or an OpenBao given by OPENBAO_BINARY.

File storage that is unsealed at each start: a development server would forget its secrets, and the next run of the
playbooks would mint new ones.
"""

from __future__ import annotations

import json
from pathlib import Path

import hvac
import requests

from .. import golang, process, progress
from ..errors import SandboxError
from ..files import write
from ..server import Server, session
from ..settings import PROVISIONER, SECRET_PREFIX, VAULT_CLUSTER_PORT, VAULT_PORT

MOUNT = "secret"
CONFIG = """\
storage "file" {{
  path = "{storage}"
}}
listener "tcp" {{
  address         = "{address}:{port}"
  cluster_address = "{address}:{cluster_port}"
  tls_cert_file   = "{certificate}"
  tls_key_file    = "{key}"
}}
api_addr      = "https://{address}:{port}"
cluster_addr  = "https://{address}:{cluster_port}"
disable_mlock = true
ui            = false
{extra}"""
# The least that the playbooks need: write secrets of this platform, and see whether one was deleted.
PROVISIONER_POLICY = f"""\
path "{MOUNT}/data/{SECRET_PREFIX}/*" {{ capabilities = ["create", "read", "update"] }}
path "{MOUNT}/metadata/{SECRET_PREFIX}/*" {{ capabilities = ["read", "list"] }}
"""
READER_POLICY = f"""\
path "{MOUNT}/data/{SECRET_PREFIX}/*" {{ capabilities = ["read"] }}
"""
READER = "external-secrets"


class OpenBao(Server):
    name = "openbao"

    @property
    def audit_log(self) -> Path:
        return self.settings.audit / "openbao.log"

    @property
    def _keys(self) -> Path:
        """Unseal key and root token, as `operator init` gave them."""
        return self.settings.credentials / "openbao-init.json"

    def install(self) -> None:
        if self.settings.openbao_binary is None:
            golang.build(self.settings, golang.VAULT)

    def prepare(self) -> list[Path]:
        pair = self.authority.server("openbao", [self.settings.address])
        self.settings.audit.mkdir(parents=True, exist_ok=True, mode=0o700)
        # OpenBao takes audit devices by API only when told so; Vault does not know the word.
        extra = "unsafe_allow_api_audit_creation = true\n" if self.settings.openbao_binary else ""
        config = self.folder / "config.hcl"
        write(
            config,
            CONFIG.format(
                storage=self.folder / "storage",
                address=self.settings.address,
                port=VAULT_PORT,
                cluster_port=VAULT_CLUSTER_PORT,
                certificate=pair.certificate,
                key=pair.key,
                extra=extra,
            ),
        )
        return [config, pair.certificate]

    def argv(self) -> list[str]:
        binary = self.settings.openbao_binary or self.settings.bin / "vault"
        return [str(binary), "server", f"-config={self.folder / 'config.hcl'}"]

    def _health(self) -> int | None:
        try:
            with session(self.settings) as http:
                return http.get(f"{self.settings.openbao_url}/v1/sys/health", timeout=5).status_code
        except requests.RequestException:
            return None

    def ready(self) -> bool:
        """Initialised, unsealed and active."""
        return self._health() == 200

    def wait_ready(self) -> None:
        if self.healthy():
            return
        with progress.step(f"{self.name} ready"):
            process.wait_until(
                lambda: self._health() is not None,
                self.name,
                timeout=self.start_timeout,
                pid_file=self.pid_file,
                log=self.log,
            )
            self._unseal()
            process.wait_until(
                self.healthy, self.name, timeout=self.start_timeout, pid_file=self.pid_file, log=self.log
            )

    def client(self) -> hvac.Client:
        """Client with the root token."""
        return self._client(json.loads(self._keys.read_text())["root_token"])

    def _client(self, token: str | None = None) -> hvac.Client:
        return hvac.Client(  # type: ignore[no-untyped-call]
            url=self.settings.openbao_url,
            token=token,
            session=session(self.settings),
            verify=str(self.settings.ca_file),
            timeout=30,
        )

    def _unseal(self) -> None:
        client = self._client()
        if not client.sys.is_initialized():
            write(self._keys, json.dumps(client.sys.initialize(secret_shares=1, secret_threshold=1)), 0o600)
        if not self._keys.exists():
            raise SandboxError(
                f"openbao is initialised but {self._keys} is gone: nobody can unseal it; "
                "run `python -m tests.sandbox down --wipe` and `up`"
            )
        if client.sys.is_sealed():
            client.sys.submit_unseal_key(json.loads(self._keys.read_text())["keys"][0])

    def configure(self) -> None:
        client = self.client()
        if "sandbox/" not in client.sys.list_enabled_audit_devices()["data"]:
            client.sys.enable_audit_device(
                "file", path="sandbox", options={"file_path": str(self.audit_log), "mode": "0600"}
            )
        if f"{MOUNT}/" not in client.sys.list_mounted_secrets_engines()["data"]:
            client.sys.enable_secrets_engine("kv", path=MOUNT, options={"version": "2"})
        methods = client.sys.list_auth_methods()["data"]
        for method in ("approle", "kubernetes"):
            if f"{method}/" not in methods:
                client.sys.enable_auth_method(method)
        client.sys.create_or_update_policy(PROVISIONER, PROVISIONER_POLICY)
        client.sys.create_or_update_policy(READER, READER_POLICY)
        self._provisioner(client)

    def _provisioner(self, client: hvac.Client) -> None:
        role_file = self.settings.credentials / f"openbao-{PROVISIONER}-role-id"
        secret_file = self.settings.credentials / f"openbao-{PROVISIONER}-secret-id"
        client.auth.approle.create_or_update_approle(
            PROVISIONER, token_policies=[PROVISIONER], token_ttl="20m", token_max_ttl="2h"
        )
        write(role_file, client.auth.approle.read_role_id(PROVISIONER)["data"]["role_id"], 0o600)
        if secret_file.exists():
            try:
                self._client().auth.approle.login(role_file.read_text(), secret_file.read_text())
                return
            except hvac.exceptions.VaultError:  # of an earlier storage
                secret_file.unlink()
        write(secret_file, client.auth.approle.generate_secret_id(PROVISIONER)["data"]["secret_id"], 0o600)

    def trust_cluster(self, reviewer_token: str, service_account: str, namespace: str, audience: str) -> None:
        """Let one service account of the cluster log in and read the platform's secrets."""
        client = self.client()
        client.auth.kubernetes.configure(
            kubernetes_host=self.settings.apiserver_url,
            kubernetes_ca_cert=self.settings.ca_file.read_text(),
            token_reviewer_jwt=reviewer_token,
            disable_local_ca_jwt=True,
        )
        client.auth.kubernetes.create_role(
            READER,
            bound_service_account_names=[service_account],
            bound_service_account_namespaces=[namespace],
            policies=[READER],
            ttl="20m",
            audience=audience,
        )

    def wipe(self) -> None:
        """Remove every secret below the mount, for good."""
        client = self.client()
        client.sys.disable_secrets_engine(MOUNT)
        client.sys.enable_secrets_engine("kv", path=MOUNT, options={"version": "2"})
        # The engine turns itself into version 2 after the answer and refuses requests meanwhile.
        process.wait_until(self._mount_answers, f"{self.name}: mount {MOUNT}/", timeout=30, pid_file=self.pid_file)

    def _mount_answers(self) -> bool:
        try:
            return "data" in self.client().secrets.kv.v2.read_configuration(mount_point=MOUNT)
        except hvac.exceptions.VaultError:
            return False
