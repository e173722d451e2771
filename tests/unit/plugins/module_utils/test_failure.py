from __future__ import annotations

import pytest
from ansible_collections.tenantmail.stalwart.plugins.module_utils.failure import Failure


def test_unknown_layer_and_code_are_programming_errors() -> None:
    with pytest.raises(ValueError, match="unknown layer 'cloud'"):
        Failure("cloud", "unreachable", "x")
    with pytest.raises(ValueError, match="unknown failure code 'oops'"):
        Failure("dns", "oops", "x")


def test_sentence_names_layer_and_next_step() -> None:
    failure = Failure("dns", "timeout", "no answer from 10.0.0.1.", hint="Start it.", tenant="acme", details=[1])
    assert failure.sentence == "dns: no answer from 10.0.0.1. Start it."
    assert failure.as_dict() == {
        "layer": "dns",
        "code": "timeout",
        "message": "no answer from 10.0.0.1.",
        "hint": "Start it.",
        "tenant": "acme",
        "request": None,
        "details": [1],
    }
