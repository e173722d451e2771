"""A chart on disk: what its schema's refusals say, and what becomes of what helm prints and how it ends."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.tenantmail.stalwart.plugins.module_utils.failure import Failure
from ansible_collections.tenantmail.stalwart.plugins.module_utils.kubernetes import chart as charts
from ansible_collections.tenantmail.stalwart.plugins.module_utils.kubernetes.chart import Chart

SCHEMA = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "count": {"type": "integer", "minimum": 1, "maximum": 3, "description": "How many."},
        "kind": {"enum": ["a", "b", None]},
        "name": {"type": ["string", "null"], "pattern": "^[a-z]+$"},
        "ports": {"type": "array", "items": {"type": "integer"}, "uniqueItems": True},
        "one": {"anyOf": [{"required": ["a"]}, {"required": ["b"]}]},
        "const": {"const": {"a": 1}},
        "tls": {"type": "object", "additionalProperties": False, "properties": {"secret": {}, "host": {}}},
    },
}
CHART = Chart("chart", "c", "1.0.0", SCHEMA)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"count": 0}, "count = 0: accepted: at least 1 (How many.)"),
        ({"count": 4}, "count = 4: accepted: at most 3 (How many.)"),
        ({"count": "2"}, 'count = "2": accepted: integer (How many.)'),
        ({"kind": "c"}, 'kind = "c": accepted: a, b, null'),
        ({"name": "A"}, 'name = "A": accepted: text that matches ^[a-z]+$'),
        ({"name": 1}, "name = 1: accepted: string or null"),
        ({"ports": [1, "x"]}, 'ports.1 = "x": accepted: integer'),
        ({"ports": [1, 1]}, "ports = [1, 1]: accepted: items that differ from each other"),
        ({"one": {"x": 1}}, 'one = {"x": 1}: accepted: what the rule anyOf of the chart\'s schema accepts'),
        ({"const": 2}, 'const = 2: accepted: {"a": 1}'),
        ({"name": "A" * 100}, f'name = "{"A" * 79}…: accepted: text that matches ^[a-z]+$'),
        ({"nmae": "x"}, "nmae: unknown key (accepted: const, count, kind, name, one, ports, tls)"),
        ({"tls": {"a": 1, "b": 2}}, "tls.a, tls.b: unknown key (accepted: host, secret)"),
    ],
)
def test_a_refused_value_is_named_with_what_is_accepted(values: dict[str, Any], message: str) -> None:
    with pytest.raises(Failure) as caught:
        charts.validate(CHART, values)
    assert caught.value.code == "invalid_value"
    assert [error["message"] for error in caught.value.details] == [message]
    assert message in caught.value.message


def test_all_refused_values_are_named_in_order() -> None:
    with pytest.raises(Failure) as caught:
        charts.validate(CHART, {"name": "A", "count": 0})
    assert [error["path"] for error in caught.value.details] == ["count", "name"]
    assert caught.value.message.startswith("2 value(s) for the chart c are not accepted: count = 0")


def test_null_removes_a_default_and_is_no_mistake() -> None:
    assert charts.validate(CHART, {"count": None, "tls": {"host": None, "unknown": None}, "ports": [1]})


def test_without_a_schema_nothing_was_checked() -> None:
    assert charts.validate(Chart("chart", "c", "1"), {"anything": 1}) is False


def helm(folder: Path, script: str) -> str:
    """A program in helm's place, so that its start, its streams and its end are real ones."""
    path = folder / "helm"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o700)
    return str(path)


def test_values_go_to_helm_by_stdin_and_never_by_the_command_line(tmp_path: Path) -> None:
    binary = helm(tmp_path, f'echo "$@" > {tmp_path}/arguments; cat')
    values = {"password": "canary-value-1"}
    assert json.loads(charts.render(CHART, "stalwart", "tenant-acme", values, binary)) == values
    arguments = (tmp_path / "arguments").read_text()
    assert arguments.startswith("template stalwart chart --namespace tenant-acme")
    assert "canary" not in arguments


def test_helm_is_told_what_the_cluster_serves(tmp_path: Path) -> None:
    binary = helm(tmp_path, 'echo "$@"')
    told = charts.render(CHART, "stalwart", "tenant-acme", {}, binary, ("a.test/v1/One", "b.test/v2/Two"))
    assert told.endswith(" --api-versions a.test/v1/One --api-versions b.test/v2/Two\n")
    assert "--api-versions" not in charts.render(CHART, "stalwart", "tenant-acme", {}, binary)


@pytest.mark.parametrize(
    ("script", "code", "says"),
    [
        (
            "cat >&2 <<'EOF'\nError: execution error at (c/templates/validate.yaml:9:4): image.tag: no.\nEOF\nexit 1",
            "invalid_value",
            "the chart c refuses the values: image.tag: no.",
        ),
        (
            "echo 'Error: values: password: canary-value-1 is wrong' >&2; exit 1",
            "invalid_value",
            "password: ******** is wrong",
        ),
        ("exit 3", "invalid_value", "the chart c refuses the values"),
        ("exec sleep 30", "timeout", "helm template took longer than"),
    ],
    ids=["template", "secret", "silent", "hangs"],
)
def test_what_helm_refuses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str, code: str, says: str) -> None:
    if code == "timeout":
        monkeypatch.setattr(charts, "RENDER_TIMEOUT", 0.5)
    with pytest.raises(Failure) as caught:
        charts.render(CHART, "stalwart", "tenant-acme", {}, helm(tmp_path, script))
    assert (caught.value.layer, caught.value.code) == ("kubernetes", code)
    assert says in caught.value.message
    assert "canary" not in str(caught.value.as_dict())


@pytest.mark.parametrize("binary", ["no-such-helm", "/no/such/helm"])
def test_without_helm_the_option_is_named(binary: str) -> None:
    with pytest.raises(Failure) as caught:
        charts.render(CHART, "stalwart", "tenant-acme", {}, binary)
    assert caught.value.code == "not_found"
    assert repr(binary) in caught.value.message
    assert "chart_helm_binary" in caught.value.hint


@pytest.mark.parametrize(("mode", "why"), [(0o600, "Permission denied"), (0o700, "Exec format error")])
def test_a_file_that_is_no_program_is_no_helm(tmp_path: Path, mode: int, why: str) -> None:
    path = tmp_path / "helm"
    path.write_bytes(b"\x7fELF of another machine")
    path.chmod(mode)
    with pytest.raises(Failure) as caught:
        charts.render(CHART, "stalwart", "tenant-acme", {}, str(path))
    assert caught.value.code == "not_found"
    assert why in caught.value.message


def test_documents_keep_their_order_and_empty_ones_are_left_out() -> None:
    assert charts.documents("---\nkind: B\n---\n# nothing\n---\nkind: A\n") == [{"kind": "B"}, {"kind": "A"}]
    with pytest.raises(Failure) as caught:
        charts.documents("kind: [")
    assert caught.value.code == "protocol"
