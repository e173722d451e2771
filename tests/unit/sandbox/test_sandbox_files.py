# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Certificates, images and secret files."""

from __future__ import annotations

import json
import tarfile
from pathlib import Path

from cryptography import x509

from tests.sandbox import files, image
from tests.sandbox.pki import Authority


def test_certificates_are_kept_until_something_changes(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    authority.ensure()
    first = authority.server("api", ["10.0.0.1"], ["api.test"]).certificate.read_bytes()
    assert authority.server("api", ["10.0.0.1"], ["api.test"]).certificate.read_bytes() == first
    second = authority.server("api", ["10.0.0.2"], ["api.test"]).certificate.read_bytes()
    assert second != first
    certificate = x509.load_pem_x509_certificate(second)
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert [str(address) for address in names.get_values_for_type(x509.IPAddress)] == ["10.0.0.2"]
    certificate.verify_directly_issued_by(x509.load_pem_x509_certificate(authority.ca.certificate.read_bytes()))


def test_certificates_of_another_authority_are_replaced(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    authority.ensure()
    before = authority.client("user", "provisioner").certificate.read_bytes()
    for path in (authority.ca.certificate, authority.ca.key):
        path.unlink()
    authority.ensure()
    assert authority.client("user", "provisioner").certificate.read_bytes() != before


def test_private_keys_and_secrets_are_for_their_owner_only(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    authority.ensure()
    pair = authority.client("user", "provisioner", ["group"])
    secret = tmp_path / "secret"
    value = files.secret(secret)
    assert files.secret(secret) == value
    assert len(value) == 32
    for path in (pair.key, authority.ca.key, secret):
        assert path.stat().st_mode & 0o777 == 0o600


def test_write_reports_changes(tmp_path: Path) -> None:
    path = tmp_path / "folder" / "file"
    assert files.write(path, "a")
    assert not files.write(path, "a")
    assert files.write(path, "b")
    assert files.write(path, "b", 0o600)
    assert [item.name for item in path.parent.iterdir()] == ["file"]


def content() -> image.Content:
    result = image.Content()
    result.add("/usr/local/bin/server", b"#!/bin/sh\n", 0o755)
    result.add("/etc/server.json", b"{}")
    return result


def test_equal_content_gives_equal_layers(tmp_path: Path) -> None:
    assert content().write(tmp_path / "a").digest == content().write(tmp_path / "b").digest
    changed = content()
    changed.add("/etc/server.json", b"[]")
    assert changed.write(tmp_path / "c").digest != content().write(tmp_path / "d").digest


def test_image_names_its_layers(tmp_path: Path) -> None:
    layer = content().write(tmp_path / "layer")
    path = tmp_path / "image.tar"
    image.write(path, "localhost/server:1", [layer], {"User": "2000"}, "x86_64")
    with tarfile.open(path) as tar:
        stream = tar.extractfile("manifest.json")
        assert stream is not None
        (manifest,) = json.load(stream)
        assert manifest["RepoTags"] == ["localhost/server:1"]
        assert manifest["Layers"] == [f"{layer.digest}/layer.tar"]
        config_stream = tar.extractfile(manifest["Config"])
        assert config_stream is not None
        config = json.load(config_stream)
        assert config["rootfs"]["diff_ids"] == [f"sha256:{layer.digest}"]
        assert config["config"] == {"User": "2000"}
        assert config["architecture"] == "amd64"
    with tarfile.open(layer.path) as tar:
        modes = {item.name: (item.isdir(), item.mode) for item in tar}
    assert modes["usr/local/bin"] == (True, 0o755)
    assert modes["usr/local/bin/server"] == (False, 0o755)
    assert modes["etc/server.json"] == (False, 0o644)
