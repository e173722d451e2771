from __future__ import annotations

import copy
from typing import Any

import pytest
from ansible_collections.tenantmail.stalwart.plugins.module_utils.kubernetes.objects import (
    as_helm_writes,
    differs,
    masked,
    merged,
    patch,
    same,
    seen,
)
from hypothesis import given
from hypothesis import strategies as st

SERVICE = {
    "apiVersion": "v1",
    "kind": "Service",
    "metadata": {"name": "stalwart-smtp", "labels": {"app": "stalwart"}},
    "spec": {"type": "LoadBalancer", "ports": [{"name": "smtp", "port": 25, "targetPort": "smtp"}]},
}
#: As an API server returns it in a list: no kind, its own defaults and status.
LIVE_SERVICE = {
    "metadata": {
        "name": "stalwart-smtp",
        "uid": "1",
        "labels": {"app": "stalwart", "extra": "x"},
        "annotations": {"a": "b"},
    },
    "spec": {
        "type": "LoadBalancer",
        "clusterIP": "10.96.0.9",
        "ports": [{"name": "smtp", "port": 25, "targetPort": "smtp", "protocol": "TCP", "nodePort": 30000}],
    },
    "status": {"loadBalancer": {}},
}


def test_additions_of_the_server_are_no_drift() -> None:
    assert not differs(SERVICE, LIVE_SERVICE)


@pytest.mark.parametrize(
    "path_value",
    [
        (("spec", "type"), "ClusterIP"),
        (("spec", "ports"), []),
        (("spec", "ports"), LIVE_SERVICE["spec"]["ports"] + [{"name": "extra", "port": 26}]),
        (("metadata", "labels"), {"app": "other"}),
        (("metadata", "labels"), None),
    ],
    ids=["scalar", "list emptied", "list grown", "label edited", "labels removed"],
)
def test_an_edit_of_a_given_field_is_drift(path_value: tuple[tuple[str, str], Any]) -> None:
    (first, second), value = path_value
    live = copy.deepcopy(LIVE_SERVICE)
    live[first][second] = value
    assert differs(SERVICE, live)


@pytest.mark.parametrize(
    ("desired", "live", "equal"),
    [
        ({"limits": {"cpu": "1000m"}}, {"limits": {"cpu": "1"}}, True),
        ({"limits": {"memory": "1024Mi"}}, {"limits": {"memory": "1Gi"}}, True),
        ({"requests": {"cpu": 1}}, {"requests": {"cpu": "1"}}, True),
        ({"requests": {"storage": "1Pi"}}, {"requests": {"storage": "1024Ti"}}, True),
        ({"requests": {"storage": "1E"}}, {"requests": {"storage": "1000P"}}, True),
        ({"requests": {"memory": "1e9"}}, {"requests": {"memory": "1G"}}, True),
        ({"requests": {"cpu": 1e-06}}, {"requests": {"cpu": "1u"}}, True),
        ({"requests": {"cpu": "1E3"}}, {"requests": {"cpu": "1k"}}, True),
        ({"requests": {"storage": "1Pi"}}, {"requests": {"storage": "1P"}}, False),
        ({"limits": {"cpu": "1"}}, {"limits": {"cpu": "2"}}, False),
        ({"limits": {"cpu": "1"}}, {"limits": {"cpu": "x"}}, False),
        ({"annotations": {"x": "1000m"}}, {"annotations": {"x": "1"}}, False),
        ({"refreshInterval": "1h"}, {"refreshInterval": "1h0m0s"}, True),
        ({"refreshInterval": "90m"}, {"refreshInterval": "1h30m"}, True),
        ({"refreshInterval": "1h"}, {"refreshInterval": "2h"}, False),
        ({"duration": "2160h", "renewBefore": "360h"}, {"duration": "2160h0m0s", "renewBefore": "360h0m0s"}, True),
        ({"interval": "60m"}, {"interval": "1h"}, False),
        ({"emptyDir": {}}, {}, True),
        ({"env": []}, {}, True),
        ({"env": []}, {"env": None}, True),
        ({"env": []}, {"env": []}, True),
        ({"env": []}, {"env": [{}]}, False),
        ({"value": ""}, {}, True),
        ({"value": None}, {}, True),
        ({"automountServiceAccountToken": False}, {}, False),
        ({"replicas": 0}, {}, False),
        ({"replicas": 1}, {"replicas": 1}, True),
        ({"ports": [{"port": 1}, {"port": 2}]}, {"ports": [{"port": 2}, {"port": 1}]}, False),
    ],
)
def test_normal_forms(desired: Any, live: Any, equal: bool) -> None:
    assert same(desired, live) is equal


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda children: st.lists(children, max_size=3) | st.dictionaries(st.text(max_size=4), children, max_size=3),
    max_leaves=8,
)


@given(json_values)
def test_everything_equals_itself(value: Any) -> None:
    assert same(value, copy.deepcopy(value))


@given(st.dictionaries(st.text(max_size=4), json_values), st.dictionaries(st.text(max_size=4), json_values))
def test_what_a_merge_patch_leaves_holds_everything_desired(desired: dict[str, Any], live: dict[str, Any]) -> None:
    assert same(desired, merged(live, desired))


@given(st.dictionaries(st.text(max_size=4), json_values), st.dictionaries(st.text(max_size=4), json_values))
def test_a_diff_is_empty_exactly_without_drift(desired: dict[str, Any], live: dict[str, Any]) -> None:
    if same(desired, live):
        assert same(seen(live, desired), live)
    else:
        assert seen(live, desired) != desired


def test_helm_s_own_metadata_is_part_of_the_object() -> None:
    metadata = as_helm_writes(SERVICE, "stalwart", "tenant-acme")["metadata"]
    assert metadata["labels"] == {"app": "stalwart", "app.kubernetes.io/managed-by": "Helm"}
    assert metadata["annotations"] == {
        "meta.helm.sh/release-name": "stalwart",
        "meta.helm.sh/release-namespace": "tenant-acme",
    }
    assert metadata["namespace"] == "tenant-acme"
    assert "annotations" not in SERVICE["metadata"], "the manifest's object is left alone"


def test_values_of_a_secret_are_compared_but_not_shown() -> None:
    secret = {"kind": "Secret", "metadata": {"name": "s"}, "stringData": {"key": "canary-value"}}
    full = as_helm_writes(secret, "r", "n")
    assert not differs(full, {**full, "type": "Opaque"})
    assert differs(full, {**full, "data": {"key": "b3RoZXI="}})
    assert "canary" not in str(masked(full))
    assert "Y2FuYXJ5" not in str(masked(full))


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ({"a": 1, "b": {"c": 1, "d": 2}}, {"b": {"c": 3}}, {"a": None, "b": {"c": 3, "d": None}}),
        ({"a": [1, 2]}, {"a": [2]}, {"a": [2]}),
        ({"a": "x"}, {"a": {"b": 1}}, {"a": {"b": 1}}),
    ],
)
def test_patch(old: Any, new: Any, expected: Any) -> None:
    assert patch(old, new) == expected
