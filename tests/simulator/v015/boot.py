"""Start-up facts of 0.15: command line, environment and config.toml, as the real image reads them (contract 1.1, 1.2)."""

from __future__ import annotations

import secrets
import string
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path

from .. import boot
from . import macros, secret, toml

VERSION = "0.15.5"
_HELP = "Usage: stalwart --config FILE | --init DIRECTORY | --version"
_LOCAL_STORES = ("rocksdb", "sqlite")


@dataclass
class Settings:
    """What one process was started with. Variables beginning with SIMULATOR_ are the simulator's own."""

    path: Path  # config.toml
    file: dict[str, str]  # its keys, macros unresolved
    database: Path | None
    bind: str = ""  # replaces the address of every listener, e.g. 127.0.0.1
    ports: dict[str, int | None] = field(default_factory=dict)  # listener name -> port, None = closed
    slow_seconds: float = boot.SLOW_SECONDS  # how long the fault slow-reload holds a reload up
    greeting_seconds: float = boot.GREETING_SECONDS  # how long the fault greeting-delay holds SMTP greetings up
    faults: frozenset[str] = frozenset()

    @property
    def data(self) -> Path | None:
        """Folder of the write log."""
        return self.database.parent if self.database else None


def wanted(argv: Sequence[str], environ: Mapping[str, str]) -> bool:
    """Whether these arguments start a 0.15 server: its configuration is a config.toml."""
    names = [environ["CONFIG_PATH"]] if environ.get("CONFIG_PATH") else argv
    return "--init" in argv or any(str(name).endswith(".toml") for name in names)


def arguments(argv: Sequence[str], environ: Mapping[str, str]) -> Path:
    """The path of config.toml. Ends the process for --init, --version and --help."""
    if environ.get("CONFIG_PATH"):
        return Path(environ["CONFIG_PATH"])  # then no argument is looked at, not even --init
    config = None
    rest = list(argv)
    while rest and rest[0].startswith("-"):
        name, has_value, value = rest.pop(0).lstrip("-").partition("=")
        if name in ("help", "h"):
            sys.exit(_HELP)
        if name in ("version", "V"):
            print(VERSION)
            sys.exit(0)
        if not has_value:
            if not rest:
                raise boot.BootError(f"Unrecognized command '{name}', try '--help'.")
            value = rest.pop(0)
        if name in ("init", "I"):
            init(Path(value), environ)
            sys.exit(0)
        if name not in ("config", "c"):
            raise boot.BootError(f"Unrecognized command '{name}', try '--help'.")
        config = Path(value)
    if config is None:
        sys.exit(_HELP)
    return config


def init(folder: Path, environ: Mapping[str, str]) -> None:
    """First start: folders and a config.toml with a fallback administrator. Overwrites an existing one."""
    for name in ("etc", "data", "logs"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    alphabet = string.ascii_letters + string.digits
    password = environ.get("STALWART_ADMIN_PASSWORD") or "".join(secrets.choice(alphabet) for _ in range(10))
    template = resources.files(__package__).joinpath("data", "init.toml").read_text(encoding="utf-8")
    text = template.replace("{path}", str(folder)).replace("{secret}", secret.hashed(password))
    (folder / "etc" / "config.toml").write_text(text, encoding="utf-8")
    print(f"✅ Configuration file written to {folder}/etc/config.toml", file=sys.stderr)
    print(f"🔑 Your administrator account is 'admin' with password '{password}'.", file=sys.stderr)


def read(path: Path, environ: Mapping[str, str]) -> Settings:
    """Raises BootError for a config.toml that the real server would not start, or not be of use, with."""
    try:
        file = toml.parse(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise boot.BootError(f"Could not read configuration file: {error}") from error
    except toml.TomlError as error:
        raise boot.BootError(f"Invalid configuration file: {error}") from error
    return Settings(
        path=path,
        file=file,
        database=_database(macros.resolve(file)[0], environ),
        bind=environ.get("SIMULATOR_BIND", ""),
        ports=boot.ports(environ.get("SIMULATOR_PORTS", "")),
        slow_seconds=float(environ.get("SIMULATOR_SLOW_SECONDS", boot.SLOW_SECONDS)),
        greeting_seconds=float(environ.get("SIMULATOR_GREETING_SECONDS", boot.GREETING_SECONDS)),
        faults=frozenset(environ.get("SIMULATOR_FAULTS", "").replace(",", " ").split()),
    )


def _database(keys: dict[str, str], environ: Mapping[str, str]) -> Path | None:
    """The SQLite file in the path of the store that `storage.data` names; None: nothing is kept."""
    name = keys.get("storage.data")
    kind, path = keys.get(f"store.{name}.type"), keys.get(f"store.{name}.path", "")
    if not name or not kind:
        return None
    if kind not in _LOCAL_STORES or not path:
        return Path(environ.get("SIMULATOR_DATA", boot.DATA_DIRECTORY)) / "simulator.sqlite3"
    return Path(path) if kind == "sqlite" and not Path(path).is_dir() else Path(path) / "simulator.sqlite3"
