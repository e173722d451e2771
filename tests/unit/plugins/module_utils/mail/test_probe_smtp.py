"""What a client may send to a server."""

from __future__ import annotations

from ansible_collections.tenantmail.stalwart.plugins.module_utils.mail import probe_smtp


def test_a_token_that_fills_a_line_and_one_that_does_not_fit() -> None:
    address = "probe@acme.test"
    longest = max(size for size in range(2000, 4096) if probe_smtp.fits(address, "t" * size))
    assert 2900 < longest < 3072, "base64 makes four octets of three"
    assert not probe_smtp.fits(address, "t" * (longest + 1))
