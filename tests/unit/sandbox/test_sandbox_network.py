# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the sandbox changes for the whole machine, it takes back."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.sandbox import network, settings


@pytest.mark.parametrize("before", ["0\n", "1\n"])
def test_bridges_are_filtered_as_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, before: str) -> None:
    switch = tmp_path / "switch"
    switch.write_text(before)
    monkeypatch.setattr(network, "_BRIDGE_FILTER", switch)
    found = settings.load({"TENANTMAIL_CACHE": str(tmp_path / "cache")})
    for _ in range(2):  # a second `up` finds its own value
        network._filter_bridges(found)
        assert switch.read_text() == "1\n"
    network._filter_bridges_as_before(found)
    assert switch.read_text() == before
    switch.write_text("1\n")  # somebody else wants it so from now on
    network._filter_bridges_as_before(found)
    assert switch.read_text() == "1\n"
