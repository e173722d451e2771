"""Which certificate a client is shown: the stored one of the name it asks for, else the default or any, else the own one."""

from __future__ import annotations

import logging
import ssl
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509

log = logging.getLogger("simulator.tls")


@dataclass(frozen=True)
class Certificate:
    """A certificate that is loaded: the names it is for, its chain with the private key as PEM."""

    names: frozenset[str]
    pem: str
    is_default: bool = False

    def fits(self, name: str) -> bool:
        return name in self.names or f"*.{name.partition('.')[2]}" in self.names


def loaded(chain: str, private_key: str, is_default: bool = False) -> Certificate:
    """Raises ValueError for a text that is no certificate."""
    leaf = x509.load_pem_x509_certificates(chain.encode())[0]
    try:
        extension = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        names = frozenset(str(name.value) for name in extension)
    except x509.ExtensionNotFound:
        names = frozenset()
    return Certificate(names, f"{chain.rstrip()}\n{private_key}", is_default)


def context(pem: str, folder: Path | None) -> ssl.SSLContext:
    """OpenSSL reads files only, and the data folder is the one that can be written in any container."""
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with tempfile.TemporaryDirectory(dir=folder) as name:
        path = Path(name, "tls.pem")
        path.touch(mode=0o600)
        path.write_text(pem, encoding="utf-8")
        made.load_cert_chain(path)
    return made


def present(own: ssl.SSLContext, certificates: Callable[[], list[Certificate]], folder: Path | None) -> None:
    """Makes a context show what is loaded at the time of each handshake, without a restart (contract 11.20)."""
    contexts: dict[str, ssl.SSLContext] = {}

    def choose(connection: ssl.SSLObject | ssl.SSLSocket, name: str | None, _: ssl.SSLContext) -> None:
        found = certificates()
        fitting = [entry for entry in found if name and entry.fits(name)]
        chosen = next(iter([*fitting, *(entry for entry in found if entry.is_default), *found]), None)
        if chosen is None:
            return
        try:
            if chosen.pem not in contexts:
                contexts[chosen.pem] = context(chosen.pem, folder)
            connection.context = contexts[chosen.pem]
        except ssl.SSLError as error:
            log.error("Certificate for %s is not usable: %s", ", ".join(sorted(chosen.names)), error.reason)

    own.sni_callback = choose
