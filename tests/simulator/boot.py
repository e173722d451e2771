"""Start-up facts: command line, environment and config.json, as the real image reads them (contract 1.2 to 1.4)."""

from __future__ import annotations

import argparse
import json
import os
import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

VERSION = "0.16.18"
STORES = ("RocksDb", "Sqlite", "PostgreSql", "MySql", "FoundationDb")
#: Where the image keeps its data when the store names no path of its own.
DATA_DIRECTORY = "/var/lib/stalwart"
SLOW_SECONDS = 3.0
GREETING_SECONDS = 30.0


class BootError(Exception):
    """The process cannot start; the message is what the log shows."""


@dataclass
class Settings:
    """What one process was started with.

    Variables beginning with SIMULATOR_ are the simulator's own: the real server knows nothing of them.
    """

    mode: str  # normal | recovery | bootstrap
    hostname: str
    data: Path | None  # folder for the store's file and the write log; None in bootstrap mode
    database: Path | None
    recovery_user: str = ""
    recovery_secret: str = ""
    public_url: str = ""
    recovery_port: int = 8080
    bind: str = ""  # replaces the address of every listener, e.g. 127.0.0.1
    ports: dict[str, int | None] = field(default_factory=dict)  # listener name -> port, None = closed
    dkim_rsa_seconds: float = 1.0
    slow_seconds: float = SLOW_SECONDS  # how long the fault slow-reload holds a reload up
    greeting_seconds: float = GREETING_SECONDS  # how long the fault greeting-delay holds SMTP greetings up
    faults: frozenset[str] = frozenset()

    @property
    def base_url(self) -> str:
        return self.public_url


def arguments(argv: Sequence[str], environ: Mapping[str, str]) -> Path:
    """The config file's path. Prints the version and exits for --version."""
    parser = argparse.ArgumentParser(prog="stalwart", description="Stalwart simulator")
    parser.add_argument("--config", "-c", type=Path)
    parser.add_argument("--version", "-V", action="version", version=VERSION)
    if environ.get("CONFIG_PATH"):
        return Path(environ["CONFIG_PATH"])  # then all arguments are ignored (contract 1.2)
    config = parser.parse_args(argv).config
    if config is None:
        raise BootError("Missing --config")
    return Path(config)


def read(config: Path, environ: Mapping[str, str]) -> Settings:
    """Settings of this process. Raises BootError for a config.json that the real server would not start with."""
    user, _, secret = environ.get("STALWART_RECOVERY_ADMIN", "").partition(":")
    user, secret = user.strip(), secret.strip()
    store = _store(config)
    mode = "normal"
    if store is None:
        mode = "bootstrap"
    elif environ.get("STALWART_RECOVERY_MODE", "") in ("1", "true"):
        mode = "recovery"
    public_url = environ.get("STALWART_PUBLIC_URL", "").rstrip("/")
    hostname = environ.get("STALWART_HOSTNAME") or socket.gethostname()
    if not public_url and environ.get("STALWART_HTTPS_PORT"):
        public_url = f"https://{hostname}:{environ['STALWART_HTTPS_PORT']}"
    data, database = _places(store, environ)
    return Settings(
        mode=mode,
        hostname=hostname,
        data=data,
        database=database,
        recovery_user=user.lower() if secret else "",
        recovery_secret=secret if user else "",
        public_url=public_url,
        recovery_port=int(environ.get("STALWART_RECOVERY_MODE_PORT", "8080")),
        bind=environ.get("SIMULATOR_BIND", ""),
        ports=ports(environ.get("SIMULATOR_PORTS", "")),
        dkim_rsa_seconds=float(environ.get("SIMULATOR_DKIM_RSA_SECONDS", "1")),
        slow_seconds=float(environ.get("SIMULATOR_SLOW_SECONDS", SLOW_SECONDS)),
        greeting_seconds=float(environ.get("SIMULATOR_GREETING_SECONDS", GREETING_SECONDS)),
        faults=frozenset(environ.get("SIMULATOR_FAULTS", "").replace(",", " ").split()),
    )


def _store(config: Path) -> dict[str, Any] | None:
    try:
        text = config.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    except OSError as error:
        raise BootError(f"Failed to read {config}: {error}") from error
    try:
        store = json.loads(text)
    except ValueError as error:
        raise BootError(f"Failed to parse {config}: {error}") from error
    if not isinstance(store, dict) or store.get("@type") not in STORES:
        raise BootError(f"{config} must hold one DataStore object with @type {', '.join(STORES)}")
    if store["@type"] in ("RocksDb", "Sqlite") and not store.get("path"):
        raise BootError(f"{config}: property path is required for {store['@type']}")
    return store


def _places(store: dict[str, Any] | None, environ: Mapping[str, str]) -> tuple[Path | None, Path | None]:
    """(data folder, SQLite file): in the store's own path where it has one."""
    if store is None:
        return None, None
    if store["@type"] == "Sqlite":
        database = Path(store["path"])
        if database.is_dir() or str(store["path"]).endswith("/"):
            database = database / "simulator.sqlite3"
        return database.parent, database
    path = store.get("path") if store["@type"] == "RocksDb" else environ.get("SIMULATOR_DATA", DATA_DIRECTORY)
    data = Path(str(path))
    return data, data / "simulator.sqlite3"


def ports(text: str) -> dict[str, int | None]:
    """`http=18080 smtp=10025 https=-` -> listener name to port, None for a listener that stays closed."""
    out: dict[str, int | None] = {}
    for part in text.replace(",", " ").split():
        name, _, port = part.partition("=")
        out[name] = None if port == "-" else int(port)
    return out


def process_environment() -> Mapping[str, str]:
    return os.environ
