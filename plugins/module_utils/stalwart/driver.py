# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the tasks need of a server, whatever its generation; each generation has a package of its own."""

from __future__ import annotations

import abc
import dataclasses
import typing as t

from .managed import Managing

if t.TYPE_CHECKING:
    from .app_password import Keeper

Result = t.Dict[str, t.Any]


@dataclasses.dataclass(frozen=True)
class SettingsAsk:
    """What ``stalwart_settings`` is asked for.

    :param vocabulary: ``canonical`` (names of 0.16), or ``native`` for the generation's own keys.
    :param on_unsupported: ``fail``, or ``report`` what the generation is known not to express.
    :param wait_certificate: seconds for which the file of a certificate is awaited.
    :param secrets: values that must reach no message.
    """

    settings: t.Mapping[str, t.Any]
    state: str = "present"
    exclusive: tuple[str, ...] = ()
    update_secrets: str = "on_create"
    secrets: tuple[str, ...] = dataclasses.field(default=(), repr=False)
    vocabulary: str = "canonical"
    on_unsupported: str = "fail"
    wait_certificate: float = 0


@dataclasses.dataclass(frozen=True)
class PrincipalAsk:
    """What ``stalwart_principal`` is asked for.

    :param settled: an earlier task of the run has looked for reloads that are owed, and has made them.
    :param managing: which principals belong to the task beside those that it names.
    """

    principals: tuple[t.Mapping[str, t.Any], ...]
    update_secrets: str = "on_create"
    settled: bool = False
    managing: Managing = dataclasses.field(default_factory=Managing)
    secrets: tuple[str, ...] = dataclasses.field(default=(), repr=False)


@dataclasses.dataclass(frozen=True)
class InfoAsk:
    """What ``stalwart_info`` is asked for.

    :param domain: its domain; none = the server's default domain.
    :param gather: parts to read. :param wait_dkim: seconds to wait for a key of every managed algorithm.
    """

    gather: frozenset[str]
    domain: t.Optional[str] = None
    wait_dkim: float = 0.0


@dataclasses.dataclass(frozen=True)
class Addresses:
    """Whose addresses a server knows.

    :param users: own addresses of individual mailboxes. :param groups: of groups. :param aliases: everybody's further ones.
    :param suspended: the users who can log in by no protocol.
    :param blocked: network addresses whose connections the server closes.
    :param full: bytes used and allowed, of each user's mailbox that has a quota.
    """

    users: frozenset[str]
    groups: frozenset[str]
    aliases: frozenset[str]
    suspended: frozenset[str] = frozenset()
    blocked: tuple[str, ...] = ()
    full: t.Mapping[str, tuple[int, int]] = dataclasses.field(default_factory=dict)


def no_info() -> Result:
    """The ``info`` of which no part was asked for."""
    return {
        "edition": None,
        "permissions": [],
        "domain": None,
        "zone_text": None,
        "dkim_keys": [],
        "default_directory": None,
        "running_issuer": None,
    }


class Driver(abc.ABC):
    """One server of one generation, reached and authenticated."""

    generation: str

    @abc.abstractmethod
    def settings(self, ask: SettingsAsk, *, check_mode: bool) -> Result:
        """Converge settings; the result of ``stalwart_settings`` but for ``requests``."""

    @abc.abstractmethod
    def principals(self, ask: PrincipalAsk, *, check_mode: bool) -> Result:
        """Converge principals; the result of ``stalwart_principal`` but for ``requests``."""

    @abc.abstractmethod
    def info(self, ask: InfoAsk) -> Result:
        """The ``info`` of ``stalwart_info``."""

    @abc.abstractmethod
    def app_passwords(self, account: t.Optional[str]) -> Keeper:
        """App passwords of an address, of all accounts (``*``), or of the caller (none)."""

    @abc.abstractmethod
    def addresses(self) -> Addresses:
        """Whose addresses there are, and which network addresses are blocked; one request for each page of 500."""

    @abc.abstractmethod
    def reload_certificates(self) -> str:
        """Read all certificates anew and serve those that can be read; why others cannot, empty when all can."""

    @abc.abstractmethod
    def export(self) -> Result:
        """Everything as ``settings`` and ``principals`` would give it, and what was ``left_out`` and why.

        Secrets are placeholders (:mod:`.placeholder`), what an empty server has anyway is left out, the order is
        deterministic, and a plan right after is empty.
        """
