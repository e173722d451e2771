# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Settings from the environment: defaults, overrides, and refusals that name variable, value and what is accepted."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.sandbox import settings


def test_defaults() -> None:
    found = settings.load({"HOME": "/home/someone", "XDG_CACHE_HOME": "/home/someone/cache"})
    assert found.cache == Path("/home/someone/cache/tenantmail.stalwart")
    assert found.data == found.cache / "sandbox"
    assert found.address == "10.213.87.1"
    assert [found.mail_address(number) for number in (1, 2)] == ["10.213.87.11", "10.213.87.12"]
    assert (found.dns_address, found.gateway_address) == ("10.213.87.2", "10.213.87.3")
    fixed, free = found.pools
    assert fixed == [f"{found.keycloak_address}-{found.keycloak_address}", "10.213.87.11-10.213.87.99"]
    assert free == ["10.213.87.100-10.213.87.199"]
    assert found.stalwart_binary is None


def test_overrides(tmp_path: Path) -> None:
    binary = tmp_path / "stalwart"
    binary.write_text("#!/bin/sh\n")
    binary.chmod(0o755)
    found = settings.load(
        {
            "TENANTMAIL_CACHE": str(tmp_path / "c"),
            "TENANTMAIL_SANDBOX_NETWORK": "172.30.0.0/16",
            "STALWART_BINARY_0_16": str(binary),
        }
    )
    assert found.cache == tmp_path / "c"
    assert found.keycloak_url == "https://172.30.0.1:8443"
    assert found.stalwart_binary == binary


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("TENANTMAIL_SANDBOX_NETWORK", "10.0.0.1/24"),  # host bits
        ("TENANTMAIL_SANDBOX_NETWORK", "8.8.8.0/24"),  # public
        ("TENANTMAIL_SANDBOX_NETWORK", "10.0.0.0/28"),  # too small for the mail addresses
        ("TENANTMAIL_SANDBOX_NETWORK", "fd00::/64"),
        ("TENANTMAIL_SANDBOX_NETWORK", "ten"),
        ("STALWART_BINARY_0_16", "/nowhere/stalwart"),
        ("OPENBAO_BINARY", "/"),
    ],
)
def test_bad_values(name: str, value: str) -> None:
    with pytest.raises(ValueError, match="expected") as error:
        settings.load({name: value})
    assert name in str(error.value)
    assert repr(value) in str(error.value)
