"""What a 0.15 server reads before it listens: its TOML dialect, local keys, macros, command line and first start."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.simulator.boot import BootError
from tests.simulator.v015 import boot, lookups, macros, running, secret, toml
from tests.simulator.v015.patterns import Patterns

DOCUMENT = r"""
# comment
title = "a # b"
[Server.Listener."X y"]
bind = ["[::]:80", '127.0.0.1:81'] # two
ports = [[1, 2], ["a", 3.5]]
tls.implicit = true
inline = { url = "https://x/", "odd key" = 'q\tz', member, last }
[[rule]]
if = "a"
[[rule]]
if = "b"
[other]
empty = ""
text = '''
keeps \n "quotes"
'''
lines = [
  "one", # comment
  "two"
]
"""


def test_dialect() -> None:
    assert toml.parse(DOCUMENT) == {
        "title": "a # b",
        "server.listener.X y.bind.0000": "[::]:80",
        "server.listener.X y.bind.0001": "127.0.0.1:81",
        "server.listener.X y.ports.0000.0000": "1",
        "server.listener.X y.ports.0000.0001": "2",
        "server.listener.X y.ports.0001.0000": "a",
        "server.listener.X y.ports.0001.0001": "3.5",
        "server.listener.X y.tls.implicit": "true",
        "server.listener.X y.inline.url": "https://x/",
        "server.listener.X y.inline.odd key": "q\tz",
        "server.listener.X y.inline.member": "",
        "server.listener.X y.inline.last": "",
        "rule.0000.if": "a",
        "rule.0001.if": "b",
        "other.empty": "",
        "other.text": 'keeps \\n "quotes"\n',
        "other.lines.0000": "one",
        "other.lines.0001": "two",
    }


@pytest.mark.parametrize(
    "text",
    [
        "a = 1\na = 2\n",
        "a = 1",
        "a = 'open",
        "= 1",
        "a = ",
        "[table",
        "[]",
        "a = [1; 2]",
        "a = 1 b",
        "? = 1",
        "a = '''open''",
        "a\n",
    ],
)
def test_syntax_errors(text: str) -> None:
    with pytest.raises(toml.TomlError):
        toml.parse(text)


@pytest.mark.parametrize(
    "value",
    [
        "",
        "text",
        "true",
        "False",
        "12",
        "-1.5e3",
        "0x10",
        'with "quotes"',
        "line\nline",
        "'single'",
        "%{env:X}%",
        "é",
        "x" * 99,
    ],
)
def test_written_values_come_back(value: str) -> None:
    assert toml.parse(toml.write({"a.b": value, "a": "other"})) == {"a": "other", "a.b": value}


@pytest.mark.parametrize(("value", "read"), [("a\\tb", "a\\\tb"), ("a\\b", "a\\b")])
def test_backslashes_are_fragile(value: str, read: str) -> None:
    assert toml.parse(toml.write({"a": value})) == {"a": read}
    with pytest.raises(toml.TomlError):
        toml.parse(toml.write({"a": value + "\\"}))


def test_local_keys() -> None:
    patterns = Patterns({})
    assert all(map(patterns.is_local, ("store.a", "server.hostname", "storage.directory", "directory.x.type")))
    assert not any(map(patterns.is_local, ("server.blocked-ip.1", "server.allowed-ip.1", "session.x", "storage.other")))
    own = Patterns(
        {"config.local-keys.0": "a.*", "config.local-keys.1": "!a.b*", "config.local-keys.2": "*.z", "x": "y"}
    )
    assert [key for key in ("a.x", "a.bc", "q.z", "store.a", "config.local-keys.7") if own.is_local(key)] == [
        "a.x",
        "q.z",
        "config.local-keys.7",
    ]
    assert Patterns({"config.local-keys": "a*b"}).is_local("a.x.b")


def test_macros(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "secret").write_text("from file\n", encoding="utf-8")
    monkeypatch.setenv("SIMULATOR_TEST", "from env")
    keys = {
        "a": f"<%{{env:SIMULATOR_TEST}}%> <%{{file:{tmp_path}/secret}}%>",
        "b": "%{cfg:a}%",
        "c": "%{env:SIMULATOR_NOT_THERE}%",
        "d": "%{file:/not/there}%",
        "e": "%{cfg:nope}%",
        "f": "%{other:x}%",
    }
    resolved, errors = macros.resolve(keys)
    assert resolved["a"] == resolved["b"] == "<from env> <from file\n>"
    assert (resolved["c"], resolved["d"], resolved["f"]) == ("", "%{file:/not/there}%", "%{other:x}%")
    assert sorted(errors) == ["c", "d", "e"]


def test_lookup_tables() -> None:
    tables, errors = lookups.parse({"lookup.t.a.b": "1", "lookup.t.c": "", "lookup.x": "", "other.t.a": ""})
    assert tables == {"t": {"a.b": "1", "c": ""}}
    assert list(errors) == ["x"]


# -- command line ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "environ", "is_015"),
    [
        (["--config", "/etc/stalwart/config.json"], {}, False),
        (["--config", "/opt/stalwart/etc/config.toml"], {}, True),
        (["--config=/opt/stalwart/etc/config.toml"], {}, True),
        (["--init", "/opt/stalwart"], {}, True),
        (["--config", "config.json"], {"CONFIG_PATH": "/x/config.toml"}, True),
        (["--config", "config.toml"], {"CONFIG_PATH": "/x/config.json"}, False),
        (["--version"], {}, False),
    ],
)
def test_generation_by_configuration_file(arguments: list[str], environ: dict[str, str], is_015: bool) -> None:
    assert boot.wanted(arguments, environ) is is_015


def test_config_path_hides_all_arguments(tmp_path: Path) -> None:
    """Even --init: with the entrypoint and a missing file the first start breaks."""
    assert boot.arguments(["--init", str(tmp_path)], {"CONFIG_PATH": "/x/config.toml"}) == Path("/x/config.toml")
    assert not (tmp_path / "etc").exists()


def test_init(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="0"):
        boot.arguments(["--init", str(tmp_path)], {"STALWART_ADMIN_PASSWORD": "given-1"})
    assert "'admin' with password 'given-1'" in capsys.readouterr().err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["data", "etc", "logs"]
    settings = boot.read(tmp_path / "etc" / "config.toml", {})
    assert settings.database == tmp_path / "data" / "simulator.sqlite3"
    assert settings.file["server.listener.https.tls.implicit"] == "true"
    assert len([key for key in settings.file if key.endswith(".protocol")]) == 10
    assert secret.verify("given-1", settings.file["authentication.fallback-admin.secret"])
    assert settings.file["authentication.fallback-admin.secret"].startswith("$6$")


def test_init_makes_up_a_password(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    boot.init(tmp_path, {})
    password = capsys.readouterr().err.rpartition("password '")[2].partition("'")[0]
    assert password.isalnum()
    assert len(password) == 10


@pytest.mark.parametrize("text", ["a = [", None])
def test_wrong_files(tmp_path: Path, text: str | None) -> None:
    path = tmp_path / "config.toml"
    if text is not None:
        path.write_text(text, encoding="utf-8")
    with pytest.raises(BootError):
        boot.read(path, {})


@pytest.mark.parametrize(
    ("store", "database"),
    [
        ('type = "rocksdb"\npath = "/data"', "/data/simulator.sqlite3"),
        ('type = "sqlite"\npath = "/data/x.sqlite"', "/data/x.sqlite"),
        ('type = "postgresql"\nhost = "db"', "/elsewhere/simulator.sqlite3"),
        ('path = "/data"', "None"),
    ],
)
def test_any_store(tmp_path: Path, store: str, database: str) -> None:
    path = tmp_path / "config.toml"
    path.write_text(f'storage.data = "db"\n[store.db]\n{store}\n', encoding="utf-8")
    assert str(boot.read(path, {"SIMULATOR_DATA": "/elsewhere"}).database) == database


@pytest.mark.parametrize(
    ("text", "taken"),
    [
        ('version.spam-filter = "2.0.4"\nversion.server = "0.15.5"\nspam-filter.x = "1"\nother.y = "2"', True),
        ('version.spam-filter = "0.0.1"\nversion.server = "0.15.0"', True),
        # To the real server 0.0.0 is no version at all.
        ('version.spam-filter = "0.0.0"\nversion.server = "0.15.0"', False),
        ('version.spam-filter = "2.0.4"', False),
        ('version.spam-filter = "2.0.4"\nversion.server = "0.16.0"', False),
        ('version.spam-filter = "2.0"\nversion.server = "0.15.0"', False),
    ],
)
def test_rules_of_a_file_need_versions(tmp_path: Path, text: str, taken: bool) -> None:
    path = tmp_path / "rules.toml"
    path.write_text(f"{text}\n")
    found = running._rules(f"file://{path}")
    assert ("version.spam-filter" in found) is taken
    assert not [key for key in found if key.startswith(("other.", "version.server"))]
