from __future__ import annotations

import pytest
from ansible_collections.tenantmail.stalwart.plugins.module_utils.failure import Failure


def test_unknown_layer_and_code_are_programming_errors() -> None:
    with pytest.raises(ValueError, match="unknown layer 'cloud'"):
        Failure("cloud", "unreachable", "x")
    with pytest.raises(ValueError, match="unknown failure code 'oops'"):
        Failure("dns", "oops", "x")


@pytest.mark.parametrize(
    "failure",
    [
        Failure("dns", "timeout", "no answer."),
        Failure(
            "stalwart",
            "conflict",
            "taken.",
            hint="Wait.",
            request={"method": "GET", "url": "https://mail.test/x", "status": 409},
            details=[{"layer": "stalwart"}],
            tenant="acme",
        ),
    ],
)
def test_a_dict_becomes_the_same_failure_again(failure: Failure) -> None:
    assert Failure.from_dict(failure.as_dict()).as_result() == failure.as_result()
    assert Failure.from_dict(failure.as_dict(), tenant="beta").as_dict() == {**failure.as_dict(), "tenant": "beta"}


@pytest.mark.parametrize("data", [{}, {"layer": "dns"}, {"code": "timeout"}, {"layer": "cloud", "code": "timeout"}])
def test_a_dict_that_is_no_failure(data: dict) -> None:
    with pytest.raises(ValueError, match="unknown"):
        Failure.from_dict(data)


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
