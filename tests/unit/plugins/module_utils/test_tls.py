from __future__ import annotations

import pytest
from ansible_collections.tenantmail.stalwart.plugins.module_utils.tls import covers


@pytest.mark.parametrize(
    ("name", "host"),
    [
        ("mail.acme.test", "mail.acme.test"),
        ("MAIL.acme.test.", "mail.ACME.test"),
        ("*.acme.test", "mail.acme.test"),
    ],
)
def test_a_name_covers_a_host(name: str, host: str) -> None:
    assert covers(["other.test", name], host)


@pytest.mark.parametrize("host", ["a.mail.acme.test", "acme.test", "mail.other.test"])
def test_a_wildcard_stands_for_one_label(host: str) -> None:
    assert not covers(["*.acme.test"], host)
