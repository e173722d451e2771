"""Reading and writing settings (contract 0.15 sections 1.2 and 3.1 to 3.6)."""

from __future__ import annotations

from typing import Any

import pytest

from .rest import Rest


@pytest.fixture
def prefix(rest: Rest, name: str) -> str:
    """A prefix below which nobody has anything."""
    return f"x-test.{name.removesuffix('.test')}"


def test_list_strips_the_prefix_and_sorts(rest: Rest, prefix: str) -> None:
    rest.insert({"b": "2", "a.c": "1", "é|x@y.z": ""}, prefix)
    rest.insert({prefix: "scalar"})
    listed = rest.listed(prefix)
    assert listed == {"total": 3, "items": {"a.c": "1", "b": "2", "é|x@y.z": ""}}
    assert list(listed["items"]) == ["a.c", "b", "é|x@y.z"]
    assert rest.listed(f"{prefix}.") == listed
    assert rest.listed(prefix, limit="2", page="2") == {"total": 3, "items": {"é|x@y.z": ""}}


def test_list_without_a_prefix_is_everything(rest: Rest) -> None:
    listed = rest.data("GET", "/api/settings/list")
    assert listed["items"]["storage.data"] == "db"
    assert listed["total"] == len(listed["items"])


def test_keys_are_full_names(rest: Rest, prefix: str) -> None:
    rest.insert({"a": "1", "b.c": "2"}, prefix)
    assert rest.keys(keys=f"{prefix}.a,{prefix}.nope") == {f"{prefix}.a": "1"}
    assert rest.keys(prefixes=prefix) == {f"{prefix}.a": "1", f"{prefix}.b.c": "2"}
    assert rest.keys(keys=f"{prefix}.a", prefixes=f"{prefix}.b") == {f"{prefix}.a": "1", f"{prefix}.b.c": "2"}


def test_group(rest: Rest, prefix: str) -> None:
    rest.insert({"one.type": "a", "one.size": "1", "two.type": "B", "other.x": "y"}, prefix)
    params = {"prefix": prefix, "suffix": "type"}
    group = rest.data("GET", "/api/settings/group", params=params)
    records = sorted(group["items"], key=lambda record: str(record["_id"]))
    assert records == [{"_id": "one", "type": "a", "size": "1"}, {"_id": "two", "type": "B"}]
    assert group["total"] == 2
    found = rest.data("GET", "/api/settings/group", params=params | {"filter": "b", "field": "type"})
    assert found == {"total": 1, "items": [{"_id": "two", "type": "B"}]}
    plain = rest.data("GET", "/api/settings/group", params={"prefix": prefix, "filter": "OTHER"})
    assert plain == {"total": 1, "items": [{"_id": "other.x", "_value": "y"}]}


def test_insert_leaves_other_keys_alone(rest: Rest, prefix: str) -> None:
    """Left-over indices of a longer list survive."""
    rest.insert({"list.0000": "a", "list.0001": "b"}, prefix)
    rest.insert({"list.0000": "c"}, prefix)
    assert rest.listed(f"{prefix}.list")["items"] == {"0000": "c", "0001": "b"}


def test_assert_empty(rest: Rest, prefix: str) -> None:
    assert rest.insert({"a": "1"}, prefix, assert_empty=True) == {"data": None}
    assert rest.insert({"b": "1"}, prefix, assert_empty=True) == {"error": "assertFailed"}
    # Without a prefix only the first key counts.
    assert rest.insert({f"{prefix}.a": "1"}, assert_empty=True) == {"error": "assertFailed"}
    assert rest.insert({f"{prefix}.c": "1", f"{prefix}.a": "2"}, assert_empty=True) == {"data": None}


def test_operations_are_not_atomic(rest: Rest, prefix: str) -> None:
    values = [["a", "1"]]
    operation: dict[str, Any] = {"type": "insert", "prefix": prefix, "values": values, "assert_empty": True}
    rest.insert({"a": "0"}, f"{prefix}.x")
    first = {"type": "delete", "keys": [f"{prefix}.x.a"]}
    body = rest.error("POST", "/api/settings", json=[first, operation, operation])
    assert body == {"error": "assertFailed"}
    assert rest.listed(prefix)["items"] == {"a": "1"}
    rest.operate({"type": "delete", "keys": [f"{prefix}.a"]})


def test_clear_has_no_dot_boundary(rest: Rest, prefix: str) -> None:
    rest.insert({f"{prefix}.foo.a": "1", f"{prefix}.foobar": "2", f"{prefix}.other": "Needle"})
    rest.operate({"type": "clear", "prefix": f"{prefix}.", "filter": "NEEDLE"})
    assert rest.listed(prefix)["total"] == 3  # the filter is not lower-cased
    rest.operate({"type": "clear", "prefix": f"{prefix}.", "filter": "needle"})
    rest.operate({"type": "clear", "prefix": f"{prefix}.foo"})
    assert rest.listed(prefix)["total"] == 0


def test_delete_is_exact_and_never_fails(rest: Rest, prefix: str) -> None:
    rest.insert({"a": "1", "a.b": "2", "a/b": "3"}, prefix)
    assert rest.data("DELETE", f"/api/settings/{prefix}.a") is None
    assert rest.data("DELETE", f"/api/settings/{prefix}.a%2Fb") is None
    assert rest.data("DELETE", f"/api/settings/{prefix}.a") is None
    assert rest.listed(prefix)["items"] == {"a.b": "2"}
    rest.operate({"type": "delete", "keys": [f"{prefix}.a.b", f"{prefix}.nope", f"{prefix}.a.b"]})
    assert rest.listed(prefix)["total"] == 0


@pytest.mark.parametrize(
    "operations",
    [
        {"type": "insert", "prefix": None, "values": [], "assert_empty": False},
        [{"type": "insert", "prefix": None, "values": [["a", "b"]]}],
        [{"type": "insert", "prefix": None, "values": [["a", 1]], "assert_empty": False}],
        [{"type": "insert", "prefix": None, "values": [["a", True]], "assert_empty": False}],
        [{"type": "insert", "prefix": None, "values": [["a"]], "assert_empty": False}],
        [{"type": "insert", "prefix": None, "values": [["a", "b", "c"]], "assert_empty": False}],
        [{"type": "insert", "prefix": None, "values": [["a", "b"]], "assertEmpty": False}],
        [{"type": "Insert", "prefix": None, "values": [["a", "b"]], "assert_empty": False}],
        [{"type": "delete", "keys": "a"}],
        [{"type": "clear"}],
        [{"type": "clear", "prefix": "zz", "filter": 1}],
        [{"keys": ["a"]}],
        ["a"],
    ],
)
def test_malformed_operations(rest: Rest, operations: Any) -> None:
    answer = rest.http("POST", "/api/settings", json=operations)
    assert (answer.status_code, answer.json()["detail"]) == (400, "JSON deserialization failed")


def test_nothing_of_a_malformed_request_is_run(rest: Rest, prefix: str) -> None:
    good = {"type": "insert", "prefix": prefix, "values": [["a", "1"]], "assert_empty": False}
    assert rest.http("POST", "/api/settings", json=[good, {"type": "delete"}]).status_code == 400
    assert rest.listed(prefix)["total"] == 0


def test_nothing_is_validated_on_write(rest: Rest) -> None:
    rest.insert({"session.data.spam-filter": "nonsense ((", "spam-filter.enable2": "x"})
    assert rest.keys(keys="session.data.spam-filter") == {"session.data.spam-filter": "nonsense (("}


# -- config.toml -----------------------------------------------------------------------------------------------------


def test_macros_are_shown_unexpanded(rest: Rest) -> None:
    assert rest.keys(keys="server.hostname") == {"server.hostname": "%{env:STALWART_HOSTNAME}%"}


def test_local_keys_rewrite_config_toml(rest: Rest) -> None:
    if rest.target.simulator is None:
        pytest.skip("only the simulator's config.toml is at hand")
    path = rest.target.simulator.config
    before = path.read_text(encoding="utf-8")
    rest.insert({"lookup.not-local.a": "b"})
    rest.insert({"server.hostname": "%{env:STALWART_HOSTNAME}%"})  # what is there already
    assert path.read_text(encoding="utf-8") == before
    rest.insert({"tracer.console.ansi": "false", "tracer.console.note": 'a "b"'})
    lines = path.read_text(encoding="utf-8").splitlines()
    assert lines == sorted(lines)
    assert 'server.hostname = "%{env:STALWART_HOSTNAME}%"' in lines
    assert "tracer.console.ansi = false" in lines
    assert 'tracer.console.note = "a \\"b\\""' in lines
    assert 'config.local-keys.0000 = "store.*"' in lines


def test_local_keys_survive_a_restart(rest: Rest) -> None:
    if rest.target.restart is None:
        pytest.skip("this server may not be restarted")
    rest.insert({"tracer.console.note": "kept", "x-test.kept": "as well"})
    rest.target.restart()
    assert rest.keys(keys="tracer.console.note,x-test.kept") == {
        "tracer.console.note": "kept",
        "x-test.kept": "as well",
    }


def test_the_file_is_not_read_again(rest: Rest) -> None:
    """Edits of config.toml are unseen until the restart, and lost with the next write of a local key."""
    if rest.target.simulator is None:
        pytest.skip("only the simulator's config.toml is at hand")
    path = rest.target.simulator.config
    with path.open("a", encoding="utf-8") as file:
        file.write('\ntracer.console.edited = "by hand"\n')
    rest.reload()
    assert rest.keys(keys="tracer.console.edited") == {}
    rest.insert({"tracer.console.note": "api"})
    assert "by hand" not in path.read_text(encoding="utf-8")


def test_default_keys_come_back_at_every_boot(rest: Rest) -> None:
    """As long as `version.spam-filter` is unset, i.e. without the Internet."""
    key = "queue.limiter.inbound.ip.rate"
    if rest.target.restart is None:
        pytest.skip("this server may not be restarted")
    assert rest.keys(keys="version.spam-filter") == {}
    rest.insert({key: "9/1s"})
    rest.target.restart()
    assert rest.keys(keys=key) == {key: "5/1s"}
    rest.insert({"version.spam-filter": "9.9.9"})
    rest.insert({key: "9/1s"})
    rest.target.restart()
    assert rest.keys(keys=key) == {key: "9/1s"}
