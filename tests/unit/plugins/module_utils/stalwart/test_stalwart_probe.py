"""What an earlier task found the server to be: believed at the same address, without a request."""

from __future__ import annotations

from typing import Any

import pytest
import stalwart_schema
from ansible_collections.tenantmail.stalwart.plugins.module_utils.failure import Failure
from ansible_collections.tenantmail.stalwart.plugins.module_utils.http_client import HttpClient
from ansible_collections.tenantmail.stalwart.plugins.module_utils.stalwart.generation import Probe, probe

FOUND = {"server": "http://stalwart.test", "generation": "0.16", "schema_hash": stalwart_schema.HASH}


def test_a_probe_is_told_as_it_is_believed(http: HttpClient) -> None:
    told = Probe("0.16", stalwart_schema.HASH).told(http)
    assert told == FOUND
    assert probe(http, told=told) == Probe("0.16", stalwart_schema.HASH)
    assert probe(http, told={"server": "http://stalwart.test", "generation": "0.15", "schema_hash": None}) == Probe(
        "0.15"
    )
    assert http.requests == 0


@pytest.mark.parametrize("told", [None, {}, {**FOUND, "server": "http://other.test"}])
def test_what_was_found_elsewhere_counts_for_nothing(script: Any, http: HttpClient, told: Any) -> None:
    script.expect("GET", "/api/schema", "", 302, {"Location": f"/api/schema/{stalwart_schema.HASH}"})
    assert probe(http, told=told) == Probe("0.16", stalwart_schema.HASH)


@pytest.mark.parametrize("text", ["", None, "../../etc/passwd", "short", "x" * 200])
def test_a_hash_becomes_a_file_name_and_is_checked(http: HttpClient, text: Any) -> None:
    with pytest.raises(Failure) as caught:
        probe(http, told={**FOUND, "schema_hash": text})
    assert caught.value.code == "invalid_value"
    assert "probe.schema_hash" in caught.value.message


def test_the_generation_that_is_asked_for_counts_here_too(http: HttpClient) -> None:
    with pytest.raises(Failure) as caught:
        probe(http, "0.15", FOUND)
    assert caught.value.code == "unknown_generation"
