# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PowerDNS: the authoritative name server with its API, one parent zone, and a log line per API request."""

from __future__ import annotations

import platform
import shutil
import socket
import sqlite3
from pathlib import Path
from typing import Any

import requests

from .. import command, debian, files
from ..errors import SandboxError
from ..server import Server, session
from ..settings import KEYCLOAK_HOSTS, NODE_POD_NETWORK, PLATFORM_FQDN, POWERDNS_API_PORT, POWERDNS_DNS_PORT

PACKAGE = "pdns-backend-sqlite3"
SCHEMA = Path("/usr/share/doc/pdns-backend-sqlite3/schema.sqlite3.sql")
BACKEND = "libgsqlite3backend.so"


class PowerDns(Server):
    name = "powerdns"

    @property
    def zone(self) -> str:
        return PLATFORM_FQDN + "."

    @property
    def request_log(self) -> Path:
        return self.log

    def install(self) -> None:
        debian.install(self.settings, {"pdns_server": "pdns-server", _backend(): PACKAGE})
        if not self._schema.exists():
            self._keep_schema()

    @property
    def _schema(self) -> Path:
        return self.settings.share / "powerdns-schema.sqlite3.sql"

    def _keep_schema(self) -> None:
        """Images of Debian that leave documentation out leave the schema out with it: take it from the package."""
        source = SCHEMA
        unpacked = self.settings.build / "powerdns"
        if not source.exists():
            unpacked.mkdir(parents=True, exist_ok=True)
            log = self.settings.logs / "apt.log"
            command.run(["apt-get", "download", PACKAGE], cwd=unpacked, log=log)
            for archive in unpacked.glob("*.deb"):
                command.run(["dpkg-deb", "--extract", archive, unpacked], log=log)
            source = unpacked / SCHEMA.relative_to("/")
        files.write(self._schema, source.read_bytes())
        shutil.rmtree(unpacked, ignore_errors=True)

    @property
    def _database(self) -> Path:
        return self.folder / "zones.sqlite3"

    def prepare(self) -> list[Path]:
        if not self._database.exists():
            with sqlite3.connect(self._database) as database:
                database.executescript(self._schema.read_text())
        settings = self.settings
        key = files.secret(settings.credentials / "powerdns-api-key")
        config = self.folder / "pdns.conf"
        files.write(
            config,
            "\n".join(
                [
                    "launch=gsqlite3",
                    f"gsqlite3-database={self._database}",
                    "gsqlite3-dnssec=yes",
                    # Port 53 is what the pods' resolver asks, the other one is in the inventory.
                    f"local-address={settings.address}:{POWERDNS_DNS_PORT},{settings.address}:53",
                    "api=yes",
                    f"api-key={key}",
                    "webserver=yes",
                    f"webserver-address={settings.address}",
                    f"webserver-port={POWERDNS_API_PORT}",
                    f"webserver-allow-from={settings.node_network},{NODE_POD_NETWORK},127.0.0.1",
                    # One line per request; the level is what makes the daemon print it.
                    "webserver-loglevel=normal",
                    "loglevel=6",
                    "log-timestamp=yes",
                    f"socket-dir={settings.run}",
                    "daemon=no",
                    "guardian=no",
                    "disable-syslog=yes",
                    "write-pid=no",
                    # Answers must show a change at once.
                    "cache-ttl=0",
                    "query-cache-ttl=0",
                    "negquery-cache-ttl=0",
                    "zone-cache-refresh-interval=0",
                    "security-poll-suffix=",
                    "default-soa-content=ns1.@ hostmaster.@ 0 10800 3600 604800 300",
                    "",
                ]
            ),
            0o600,
        )
        settings.run.mkdir(parents=True, exist_ok=True, mode=0o700)
        return [config]

    def argv(self) -> list[str]:
        return [debian.program("pdns_server"), f"--config-dir={self.folder}"]

    def ready(self) -> bool:
        try:
            with socket.create_connection((self.settings.address, POWERDNS_DNS_PORT), timeout=2), self.api() as http:
                return http.get(self._server, timeout=5).status_code == 200
        except (OSError, requests.RequestException):
            return False

    # --- the API ---
    @property
    def _server(self) -> str:
        return f"{self.settings.powerdns_url}/api/v1/servers/localhost"

    def api(self) -> requests.Session:
        http = session(self.settings)
        http.headers["X-API-Key"] = files.secret(self.settings.credentials / "powerdns-api-key")
        return http

    def configure(self) -> None:
        with self.api() as http:
            answer = http.get(f"{self._server}/zones/{self.zone}", params={"rrsets": "false"}, timeout=30)
            if answer.status_code == 200:
                self._publish(http)
                return
            if answer.status_code not in (404, 422):
                raise SandboxError(
                    f"powerdns answers {answer.status_code} to a look at zone {self.zone}: {answer.text}"
                )
            self._create(http)

    def _platform_records(self) -> list[dict[str, Any]]:
        """The platform's own hosts."""
        addresses = {f"ns1.{self.zone}": self.settings.address}
        addresses |= {f"{host}.": self.settings.keycloak_address for host in KEYCLOAK_HOSTS}
        return [
            {"name": name, "type": "A", "ttl": 3600, "records": [{"content": address, "disabled": False}]}
            for name, address in addresses.items()
        ]

    def _publish(self, http: requests.Session) -> None:
        """Bring a zone of an earlier sandbox up to date."""
        zone = f"{self._server}/zones/{self.zone}"
        for record in self._platform_records():
            answer = http.get(zone, params={"rrset_name": record["name"], "rrset_type": "A"}, timeout=30)
            answer.raise_for_status()
            found = [entry["content"] for rrset in answer.json()["rrsets"] for entry in rrset["records"]]
            if found != [entry["content"] for entry in record["records"]]:
                change = {"rrsets": [{**record, "changetype": "REPLACE"}]}
                http.patch(zone, json=change, timeout=30).raise_for_status()

    def _create(self, http: requests.Session) -> None:
        http.post(
            f"{self._server}/zones",
            timeout=30,
            json={
                "name": self.zone,
                "kind": "Native",
                "soa_edit_api": "DEFAULT",
                "nameservers": [f"ns1.{self.zone}"],
                "rrsets": self._platform_records(),
            },
        ).raise_for_status()

    def wipe(self) -> None:
        """Remove all zones and make the parent zone anew: SOA, NS and the platform's own hosts."""
        with self.api() as http:
            answer = http.get(f"{self._server}/zones", timeout=30)
            answer.raise_for_status()
            for zone in answer.json():
                http.delete(f"{self._server}/zones/{zone['id']}", timeout=60).raise_for_status()
            self._create(http)


def _backend() -> str:
    """Where the package's back end lies: its folder is named after the machine's architecture."""
    return f"/usr/lib/{platform.machine()}-linux-gnu/pdns/{BACKEND}"
