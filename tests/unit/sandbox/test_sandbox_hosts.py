# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The sandbox's host names for single processes."""

from __future__ import annotations

from pathlib import Path

from tests.sandbox import hosts, settings


def test_hosts_file(tmp_path: Path) -> None:
    found = settings.load({"TENANTMAIL_CACHE": str(tmp_path)})
    hosts.write(found)
    assert found.hosts_file.read_text() == "10.213.87.4 keycloak.acme.omantel.test\n"


def test_environment_keeps_what_else_is_preloaded_and_is_the_same_twice(tmp_path: Path) -> None:
    found = settings.load({"TENANTMAIL_CACHE": str(tmp_path)})
    once = hosts.environment(found, {"LD_PRELOAD": "/usr/lib/libother.so"})
    assert once["NSS_WRAPPER_HOSTS"] == str(found.hosts_file)
    library, other = once["LD_PRELOAD"].split(":")
    assert (library.endswith("/libnss_wrapper.so"), other) == (True, "/usr/lib/libother.so")
    assert hosts.environment(found, once) == once
    assert hosts.environment(found, {})["LD_PRELOAD"] == library
