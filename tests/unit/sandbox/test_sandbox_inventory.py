# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The inventory that the sandbox writes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jinja2
import pytest
import yaml

from tests.sandbox import inventory, settings

IMAGES = {"0.16": "localhost/stalwart:v0.16.9", "0.15": "localhost/stalwart:v0.15.9"}


@pytest.fixture
def variables(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    monkeypatch.setattr(settings, "CHECKOUT", tmp_path)
    assert inventory.write(settings.load({"HOME": str(tmp_path)}), IMAGES)
    assert not inventory.write(settings.load({"HOME": str(tmp_path)}), IMAGES)
    return yaml.safe_load((tmp_path / "inventories/sandbox/group_vars/tenants.yml").read_text())


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ({}, {"metallb.io/allow-shared-ip": "delta"}),
        (
            {"tenant_mail_addresses": ["10.213.87.15"]},
            {"metallb.io/allow-shared-ip": "delta", "metallb.io/loadBalancerIPs": "10.213.87.15"},
        ),
        (
            {"sandbox_mail_address": "10.213.87.14"},
            {"metallb.io/allow-shared-ip": "delta", "metallb.io/loadBalancerIPs": "10.213.87.14"},
        ),
    ],
)
def test_a_tenant_s_services_share_an_address(
    variables: dict[str, Any], host: dict[str, Any], expected: dict[str, str]
) -> None:
    environment = jinja2.Environment()
    environment.filters["combine"] = lambda left, right: {**left, **right}
    address = environment.from_string(variables["sandbox_mail_address"]).render(host)
    text = variables["tenant_chart_values"]["service"]["annotations"]
    facts = {"inventory_hostname": "delta", "sandbox_mail_address": address, **host}
    rendered = environment.from_string(text).render(facts)
    assert yaml.safe_load(rendered) == expected


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ({}, IMAGES["0.16"]),
        ({"tenant_generation": "0.16"}, IMAGES["0.16"]),
        # As YAML reads it without quotes.
        ({"tenant_generation": 0.15}, IMAGES["0.15"]),
    ],
)
def test_a_tenant_has_the_image_of_its_generation(
    variables: dict[str, Any], host: dict[str, Any], expected: str
) -> None:
    environment = jinja2.Environment()
    generation = environment.from_string(variables["sandbox_generation"]).render(host)
    known = {"sandbox_generation": generation, "sandbox_images": variables["sandbox_images"]}
    assert environment.from_string(variables["tenant_image"]).render(known) == expected
