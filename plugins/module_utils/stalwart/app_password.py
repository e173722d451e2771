# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""App passwords: one that its owner makes, or those of an account or of all that an administrator lists and revokes."""

from __future__ import annotations

import abc
import dataclasses
import typing as t

from ..failure import Failure
from ..reconcile import Change, Plan, converge
from .driver import Result
from .principal import normal_address
from .problem import Problem, refuse_problems, shown

#: Stands for all accounts of a server.
EVERYBODY = "*"
_KIND = "app password"


class AppPassword(t.NamedTuple):
    """One that the server holds. :param account: its owner's address, none for the caller's own. :param handle: what names it there."""

    account: t.Optional[str]
    description: str
    handle: tuple[str, ...]
    created_at: t.Optional[str] = None
    expires_at: t.Optional[str] = None

    @property
    def key(self) -> str:
        """How a result names it."""
        return f"{self.account} {self.description}" if self.account else self.description

    def as_dict(self) -> dict[str, t.Any]:
        """As a result lists it; never the secret."""
        return {key: value for key, value in self._asdict().items() if key != "handle"}


@dataclasses.dataclass(frozen=True)
class AppPasswordAsk:
    """:param account: none for the caller's own. :param description: none for all of them, and to make none."""

    state: str
    account: t.Optional[str] = None
    description: t.Optional[str] = None


class Keeper(abc.ABC):
    """App passwords of one generation's server, of the accounts that were asked for."""

    @abc.abstractmethod
    def read(self) -> list[AppPassword]:
        """:raises Failure: ``not_found`` for an account that does not exist."""

    @abc.abstractmethod
    def create(self, description: str) -> str:
        """Make one for the caller; its secret, which the server tells (or is told) only now."""

    @abc.abstractmethod
    def revoke(self, unwanted: t.Sequence[AppPassword]) -> None:
        """Remove these."""


def ask_of(params: t.Mapping[str, t.Any]) -> AppPasswordAsk:
    """What a task's options say.

    :raises Failure: ``invalid_value`` with every problem.
    """
    problems = []
    account, description, state = params.get("account"), params.get("description"), params["state"]
    address = account
    if account is not None and account != EVERYBODY:
        address = normal_address(account)
        if address is None:
            problems.append(Problem("account", shown(account), "expected an address such as alice@example.org, or *."))
    if description is not None:
        description = description.strip()
        if not description or "$" in description or not description.isprintable() or len(description) > 128:
            message = "expected a text of at most 128 characters on one line, without $."
            problems.append(Problem("description", shown(description), message))
        elif account is not None and state == "present":
            message = (
                "an app password is made with its owner's own token; leave account out, or description to list only."
            )
            problems.append(Problem("account", shown(account), message))
    refuse_problems(problems)
    return AppPasswordAsk(state, address, description)


def make_plan(ask: AppPasswordAsk, held: t.Sequence[AppPassword]) -> Plan:
    """Descriptions tell them apart, as people do."""
    same = [entry for entry in held if ask.description in (None, entry.description)]
    if ask.state == "absent":
        return Plan(tuple(Change("delete", _KIND, entry.key, entry.as_dict(), None, entry) for entry in same))
    if ask.description is None or same:
        return Plan()
    return Plan((Change("create", _KIND, ask.description, None, {"description": ask.description}),))


def keep(keeper: Keeper, ask: AppPasswordAsk, *, check_mode: bool) -> Result:
    """The result of ``stalwart_app_password`` but for what every result tells of the server."""
    made: list[str] = []

    def apply(plan: Plan, _held: t.Sequence[AppPassword]) -> None:
        unwanted = [change.payload for change in plan.changes if change.action == "delete"]
        if unwanted:
            keeper.revoke(unwanted)
        made.extend(keeper.create(change.key) for change in plan.changes if change.action == "create")

    plan, held = converge(
        "stalwart", keeper.read, lambda current: make_plan(ask, current), apply, check_mode=check_mode
    )
    return {
        "changed": plan.changed,
        "changes": plan.summary(),
        "diff": plan.diff(),
        "app_passwords": [entry.as_dict() for entry in sorted(held, key=lambda entry: entry.key)],
        **({"secret": made[0]} if made else {}),
    }


def nobody(account: str) -> Failure:
    """The failure for an account that does not exist."""
    return Failure("stalwart", "not_found", f"the server has no individual {account}.", hint="Nothing was written.")
