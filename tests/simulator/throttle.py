"""Inbound limits: connections, senders and recipients, as stored (contract 4.12). Loopback counts like any address."""

from __future__ import annotations

import re
from collections.abc import Callable

from .evaluate import Value, truth
from .functions import text_of
from .limits import Counters
from .mta import Mta, Throttle

_RECIPIENT = ("rcpt", "rcpt_domain")
_SENDER = ("sender", "sender_domain", "helo_domain", "authenticated_as")


def stage(throttle: Throttle) -> str:
    """When a limit is looked at: what it counts by, or asks for, is not known earlier."""
    texts = [throttle.match.otherwise, *(text for pair in throttle.match.conditions for text in pair)]
    asked = set(throttle.keys) | {word for text in texts for word in re.findall(r"[a-z_]+", text)}
    for name, variables in (("rcpt", _RECIPIENT), ("mail", _SENDER)):
        if asked & set(variables):
            return name
    return "connect"


class Throttles:
    def __init__(self, mta: Mta) -> None:
        self.mta = mta
        self._counters = Counters()

    def allow(self, at: str, variables: dict[str, Value], ask: Callable[[Throttle], Value | None]) -> bool:
        """Counts one more; whether no limit of this stage is passed."""
        for throttle in self.mta.throttles():
            if stage(throttle) != at or not truth(ask(throttle) or 0):
                continue
            recipients = variables["recipients"]
            domain = f"@{variables['rcpt_domain']}"
            named = sum(text_of(entry).endswith(domain) for entry in recipients) if isinstance(recipients, list) else 0
            if "rcpt_domain" in throttle.keys and named > 1:
                continue  # counted once per message
            value = "\0".join(text_of(variables[name]) for name in sorted(throttle.keys))
            if self._counters.exceeded(throttle.name, value, throttle.rate) is not None:
                return False
        return True
