# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keycloak, with admin events of realm master and an access log."""

from __future__ import annotations

import re
import shutil
import zipfile
from pathlib import Path
from typing import Any

import requests

from .. import command, debian, files, progress
from ..errors import SandboxError
from ..pki import Pair
from ..server import Server, session
from ..settings import (
    JDK_MINIMUM,
    KEYCLOAK_HOSTS,
    KEYCLOAK_HTTP_PORT,
    KEYCLOAK_MANAGEMENT_PORT,
    KEYCLOAK_PORT,
    KEYCLOAK_VERSION,
    MAVEN_DEPENDENCY_PLUGIN,
    PROVISIONER,
)

ARCHIVE_SHA256 = "2a30e4602d63d4501a4a8263bfa4e14cbd5970b4116c618ea28f339b16190233"
ADMIN = "admin"
BUILD_OPTIONS = ("--db=dev-file", "--health-enabled=true")
# Marks the lines of the access log within the server's log: peer, request line, status.
ACCESS_MARK = "ACCESS"


class Keycloak(Server):
    name = "keycloak"
    start_timeout = 300

    @property
    def home(self) -> Path:
        return self.settings.share / f"keycloak-{KEYCLOAK_VERSION}"

    @property
    def access_log(self) -> Path:
        return self.log

    def install(self) -> None:
        debian.install(self.settings, {"java": "default-jre-headless"})
        version = _java_version(debian.program("java"))
        if version < JDK_MINIMUM:
            raise SandboxError(
                f"{debian.program('java')} is Java {version}: Keycloak needs {JDK_MINIMUM} or newer, "
                f"for example Debian's openjdk-{JDK_MINIMUM}-jre-headless"
            )
        mark = files.digest([], KEYCLOAK_VERSION, *BUILD_OPTIONS)
        stamp = self.settings.bin / ".keycloak.stamp"
        if self.home.exists() and stamp.exists() and stamp.read_text() == mark:
            return
        archive = self._fetch()
        with progress.step(f"Keycloak {KEYCLOAK_VERSION} built"):
            shutil.rmtree(self.home, ignore_errors=True)
            self.settings.share.mkdir(parents=True, exist_ok=True)
            with zipfile.ZipFile(archive) as content:
                content.extractall(self.settings.share)
            script = self.home / "bin" / "kc.sh"
            script.chmod(0o755)
            command.run([script, "build", *BUILD_OPTIONS], log=self.settings.logs / "build-keycloak.log")
            files.write(stamp, mark)
            archive.unlink()

    def _fetch(self) -> Path:
        archive = self.settings.build / f"keycloak-quarkus-dist-{KEYCLOAK_VERSION}.zip"
        if not archive.exists():
            debian.install(self.settings, {"mvn": "maven"})
            repository = self.settings.build / "maven"
            with progress.step(f"Keycloak {KEYCLOAK_VERSION} fetched"):
                command.run(
                    [
                        debian.program("mvn"),
                        "-q",
                        "-B",
                        f"-Dmaven.repo.local={repository}",
                        f"org.apache.maven.plugins:maven-dependency-plugin:{MAVEN_DEPENDENCY_PLUGIN}:copy",
                        f"-Dartifact=org.keycloak:keycloak-quarkus-dist:{KEYCLOAK_VERSION}:zip",
                        f"-DoutputDirectory={self.settings.build}",
                    ],
                    log=self.settings.logs / "build-keycloak.log",
                    cwd=_made(self.settings.build),
                )
                shutil.rmtree(repository)
        found = files.sha256(archive)
        if found != ARCHIVE_SHA256:
            archive.unlink()
            raise SandboxError(
                f"{archive.name} has SHA-256 {found}, expected {ARCHIVE_SHA256}: it was deleted, try again"
            )
        return archive

    def prepare(self) -> list[Path]:
        return [self._pair.certificate]

    @property
    def _pair(self) -> Pair:
        return self.authority.server("keycloak", [self.settings.address], KEYCLOAK_HOSTS)

    def argv(self) -> list[str]:
        pair = self._pair
        database = self.folder / "h2" / "keycloak"
        return [
            str(self.home / "bin" / "kc.sh"),
            "start",
            "--optimized",
            # A realm's issuer begins with the URL by which it is asked: the address or a tenant's host name, and without TLS for
            # servers of 0.15.
            "--hostname-strict=false",
            f"--http-host={self.settings.address}",
            "--http-enabled=true",
            f"--http-port={KEYCLOAK_HTTP_PORT}",
            f"--https-port={KEYCLOAK_PORT}",
            f"--http-management-port={KEYCLOAK_MANAGEMENT_PORT}",
            f"--https-certificate-file={pair.certificate}",
            f"--https-certificate-key-file={pair.key}",
            f"--db-url=jdbc:h2:file:{database};NON_KEYWORDS=VALUE",
            "--cache=local",
            "--log-console-color=false",
            "--http-access-log-enabled=true",
            f'--http-access-log-pattern={ACCESS_MARK} %h "%r" %s',
        ]

    def env(self) -> dict[str, str]:
        return {
            "KC_BOOTSTRAP_ADMIN_USERNAME": ADMIN,
            "KC_BOOTSTRAP_ADMIN_PASSWORD": files.secret(self.settings.credentials / "keycloak-admin-password"),
            "JAVA_OPTS_KC_HEAP": "-Xms256m -Xmx768m",
            # The optimizing compiler takes half of the processor time of a start and never earns it back here.
            "JAVA_OPTS_APPEND": "-XX:TieredStopAtLevel=1",
        }

    def ready(self) -> bool:
        return self.answers(f"https://{self.settings.address}:{KEYCLOAK_MANAGEMENT_PORT}/health/ready")

    # --- set-up through the admin API ---
    def admin_session(self) -> requests.Session:
        """HTTP session with a token of the bootstrap administrator (60 s)."""
        http = session(self.settings)
        answer = http.post(
            f"{self.settings.keycloak_url}/realms/master/protocol/openid-connect/token",
            timeout=30,
            data={
                "grant_type": "password",
                "client_id": "admin-cli",
                "username": ADMIN,
                "password": files.secret(self.settings.credentials / "keycloak-admin-password"),
            },
        )
        answer.raise_for_status()
        http.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"
        return http

    def configure(self) -> None:
        base = f"{self.settings.keycloak_url}/admin/realms"
        with self.admin_session() as http:
            master = _json(http.get(f"{base}/master", timeout=30))
            events = {"adminEventsEnabled": True, "adminEventsDetailsEnabled": True}
            if any(master.get(key) != value for key, value in events.items()):
                http.put(f"{base}/master", json=events, timeout=30).raise_for_status()
            self._provisioner(http, f"{base}/master")

    def _provisioner(self, http: requests.Session, realm: str) -> None:
        """A client that may create realms, and by Keycloak's rule manages those it has created, but no other."""
        secret = files.secret(self.settings.credentials / f"keycloak-{PROVISIONER}-secret")
        wanted = {
            "clientId": PROVISIONER,
            "protocol": "openid-connect",
            "publicClient": False,
            "secret": secret,
            "serviceAccountsEnabled": True,
            "standardFlowEnabled": False,
            "directAccessGrantsEnabled": False,
        }
        found = _json(http.get(f"{realm}/clients", params={"clientId": PROVISIONER}, timeout=30))
        if not found:
            http.post(f"{realm}/clients", json=wanted, timeout=30).raise_for_status()
            found = _json(http.get(f"{realm}/clients", params={"clientId": PROVISIONER}, timeout=30))
        elif found[0].get("secret") != secret:
            http.put(f"{realm}/clients/{found[0]['id']}", json={**found[0], **wanted}, timeout=30).raise_for_status()
        account = _json(http.get(f"{realm}/clients/{found[0]['id']}/service-account-user", timeout=30))
        mappings = f"{realm}/users/{account['id']}/role-mappings/realm"
        if not any(role["name"] == "create-realm" for role in _json(http.get(mappings, timeout=30))):
            role = _json(http.get(f"{realm}/roles/create-realm", timeout=30))
            http.post(mappings, json=[role], timeout=30).raise_for_status()

    def wipe(self) -> list[str]:
        """Remove every realm but master; return their names."""
        base = f"{self.settings.keycloak_url}/admin/realms"
        removed = []
        with self.admin_session() as http:
            for realm in _json(http.get(base, params={"briefRepresentation": "true"}, timeout=30)):
                if realm["realm"] != "master":
                    http.delete(f"{base}/{realm['realm']}", timeout=60).raise_for_status()
                    removed.append(realm["realm"])
        return removed


def _json(answer: requests.Response) -> Any:
    answer.raise_for_status()
    return answer.json()


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _java_version(java: str) -> int:
    text = command.run([java, "--version"])
    found = re.match(r"\S+ (\d+)", text)
    return int(found[1]) if found else 0
