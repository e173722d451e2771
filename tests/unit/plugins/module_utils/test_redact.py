from __future__ import annotations

import pytest
from ansible_collections.tenantmail.stalwart.plugins.module_utils.failure import Failure
from ansible_collections.tenantmail.stalwart.plugins.module_utils.redact import MASK, Redactor, check_secret

CANARY = "c4nary-S3cret-value"


@pytest.mark.parametrize(
    "text",
    [
        f"password: {CANARY}",
        f'{{"apiKey": "{CANARY}"}}',
        f"{{'client_secret': '{CANARY}'}}",
        f"Authorization: Bearer {CANARY}",
        f"authorization=Basic {CANARY}",
        f"-----BEGIN PRIVATE KEY-----\n{CANARY}\n-----END PRIVATE KEY-----",
        f"-----BEGIN RSA PRIVATE KEY-----\n{CANARY}",
        f"access_token={CANARY}&x=1",
    ],
)
def test_credentials_are_masked_without_knowing_the_value(text: str) -> None:
    assert CANARY not in Redactor().text(text)


def test_known_values_are_masked_everywhere() -> None:
    redactor = Redactor([CANARY, None, CANARY[:9]])
    assert redactor.data({"a": [f"x {CANARY} y"], CANARY: 1}) == {"a": [f"x {MASK} y"], MASK: 1}


def test_further_values_are_masked_from_then_on() -> None:
    redactor = Redactor([CANARY[:9]])
    assert redactor.values(CANARY) != MASK
    redactor.add(CANARY, None, "short")
    assert redactor.values(f"{CANARY} and short") == f"{MASK} and short"


def test_ordinary_text_stays() -> None:
    text = "Invalid domain name: acme.example, accepted: a registered name"
    assert Redactor(["short"]).text(text) == text


def test_bodies_are_cut_and_flat() -> None:
    body = Redactor().body("a\nb " * 1000)
    assert "\n" not in body
    assert len(body) == 501


def test_short_secret_is_refused_by_name() -> None:
    with pytest.raises(Failure, match="platform_powerdns_api_key has 5 characters") as caught:
        check_secret("inventory", "platform_powerdns_api_key", "abc12")
    assert "abc12" not in str(caught.value.as_dict())
    assert check_secret("inventory", "x", "12345678") == "12345678"
    assert check_secret("inventory", "x", None) is None
