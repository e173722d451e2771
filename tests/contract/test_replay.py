"""The comparison behind the transcript replay: it must see differences, or a green replay means nothing."""

from __future__ import annotations

from typing import Any

import pytest

from .replay import Comparison

ID = "jp0vhmoyaiqa"
OTHER = "jp1bi2xwaaaa"
KEY = "2xm9+s/TZ3W7A4S69+IqrvadhNUSkaSof6yGxDXRuA8="
OTHER_KEY = "fIVcA5VbxSsrmp3OaLG9ZAmNJD/b2Jq7w2IiYuJt+3E="


@pytest.mark.parametrize(
    ("recorded", "actual"),
    [
        ({"id": ID, "createdAt": "2026-11-23T15:59:16Z"}, {"createdAt": "2027-01-01T00:00:00Z", "id": OTHER}),
        ({ID: {"a": 1}, "list": [ID]}, {OTHER: {"a": 1}, "list": [OTHER]}),
        (
            {"publicKey": KEY, "zone": f'x. IN TXT "p={KEY}"'},
            {"publicKey": OTHER_KEY, "zone": f'x. IN TXT "p={OTHER_KEY}"'},
        ),
        ({"sessionState": "2f1e92e5"}, {"sessionState": "caecaf81"}),
        ({"selector": "v1-rsa-20261123"}, {"selector": "v1-rsa-20270101"}),
        ({"selector": "202611r"}, {"selector": "202701r"}),
        (
            {"value": "-----BEGIN PRIVATE KEY----- (elided) -----END PRIVATE KEY-----"},
            {"value": "-----BEGIN PRIVATE KEY-----\nMC4CAQ\n-----END PRIVATE KEY-----\n"},
        ),
        ({"issuer": "http://10.77.0.1:8180/x"}, {"issuer": "http://127.0.0.1:1/x"}),
    ],
)
def test_alike(recorded: dict[str, Any], actual: dict[str, Any]) -> None:
    comparison = Comparison({"http://10.77.0.1:8180": "http://127.0.0.1:1"})
    if ID in recorded:
        assert comparison.differences(ID, OTHER) == []
    assert comparison.differences(recorded, actual) == []


@pytest.mark.parametrize(
    ("recorded", "actual"),
    [
        ({"a": 1}, {"a": 2}),
        ({"a": 1}, {"a": True}),
        ({"a": None}, {}),
        ({}, {"a": None}),
        ({"a": [1, 2]}, {"a": [1]}),
        ({"a": [1, 2]}, {"a": [2, 1]}),
        ({"a": "text"}, {"a": "other"}),
        ({"id": "b"}, {"id": "c"}),
        ({"createdAt": "2026-11-23T15:59:16Z"}, {"createdAt": "yesterday"}),
        ({"a": ID, "b": ID}, {"a": OTHER, "b": ID}),
        ({"a": ID, "b": OTHER}, {"a": OTHER, "b": OTHER}),
        ({"publicKey": KEY, "zone": f"p={KEY}"}, {"publicKey": OTHER_KEY, "zone": f"p={KEY}"}),
        ({"zone": f"v=DKIM1; p={KEY}"}, {"zone": "v=DKIM1; p="}),
        ({"selector": "202611r"}, {"selector": "202611e"}),
        (
            {"value": "-----BEGIN RSA PRIVATE KEY----- (elided) -----END RSA PRIVATE KEY-----"},
            {"value": "-----BEGIN PRIVATE KEY-----\nMC4CAQ\n-----END PRIVATE KEY-----\n"},
        ),
    ],
)
def test_different(recorded: dict[str, Any], actual: dict[str, Any]) -> None:
    assert Comparison().differences(recorded, actual) != []
