"""Which certificate a client is shown: the one of the name it asks for, else the default or any, else the own one."""

from __future__ import annotations

import logging
import re
import ssl
import tempfile
from collections.abc import Callable
from pathlib import Path

from cryptography import x509
from cryptography.x509.oid import NameOID

log = logging.getLogger("simulator.tls")

#: Chain and private key as PEM, by the name that they are shown for: wildcards without their `*.`, the default one under `*`.
Loaded = dict[str, str]

_KEY = re.compile(r"-----BEGIN (?:EC |RSA )?PRIVATE KEY-----")


def pem(chain: str, private_key: str) -> str:
    """Raises ValueError when there is no private key; whether it fits the certificate shows at the handshake only."""
    if not _KEY.search(private_key):
        raise ValueError("No private keys found.")
    return f"{chain.rstrip()}\n{private_key}"


def names(leaf: x509.Certificate, *, common: bool = False) -> list[str]:
    """The names that a certificate is for. :param common: with its common names (0.15)."""
    subject = [str(name.value) for name in leaf.subject.get_attributes_for_oid(NameOID.COMMON_NAME)] if common else []
    try:
        extension = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return subject
    return [*subject, *(str(name.value) for name in extension)]


def context(text: str, folder: Path | None) -> ssl.SSLContext:
    """OpenSSL reads files only, and the data folder is the one that can be written in any container."""
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with tempfile.TemporaryDirectory(dir=folder) as name:
        path = Path(name, "tls.pem")
        path.touch(mode=0o600)
        path.write_text(text, encoding="utf-8")
        made.load_cert_chain(path)
    return made


def present(own: ssl.SSLContext, loaded: Callable[[], Loaded], folder: Path | None) -> None:
    """Makes a context show what is loaded at the time of each handshake, without a restart (contract 11.20)."""
    contexts: dict[str, ssl.SSLContext] = {}

    def choose(connection: ssl.SSLObject | ssl.SSLSocket, name: str | None, _: ssl.SSLContext) -> int | None:
        found = loaded()
        asked = [name, name.partition(".")[2]] if name else []
        chosen = next((found[entry] for entry in (*asked, "*", *found) if entry in found), None)
        if chosen is None:
            return None
        try:
            if chosen not in contexts:
                contexts[chosen] = context(chosen, folder)
            connection.context = contexts[chosen]
        except ssl.SSLError as error:
            # The real servers sign with whatever key they were given, and the client refuses that.
            log.error("The certificate for %s is not usable: %s", name, error.reason)
            return ssl.ALERT_DESCRIPTION_INTERNAL_ERROR
        return None

    own.sni_callback = choose
