"""The queue's routes, limiters, quotas and schedules: records that are wrong as a whole when something is missing."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from . import conditions, values

Keys = Mapping[str, str]
Found = Iterator[tuple[str, str]]
_SCHEDULE = (".queue-name", ".retry", ".notify", ".expire", ".max-attempts")


def problems(keys: Keys) -> Found:
    """(key, complaint)."""
    for direction, context in (("inbound", "rcpt"), ("outbound", "queueHost")):
        for base in _records(keys, f"queue.limiter.{direction}"):
            yield from _limiter(keys, base, context)
    for key in _ending(keys, "queue.route.", ".type"):
        yield from _route(keys, key.removesuffix(".type"))
    for base in _records(keys, "queue.quota"):
        yield from _quota(keys, base)
    start = "queue.schedule."
    names = {key.removeprefix(start).removesuffix(end) for end in _SCHEDULE for key in _ending(keys, start, end)}
    for name in sorted(names):
        yield from _schedule(keys, f"queue.schedule.{name}")


def _records(keys: Keys, prefix: str) -> list[str]:
    """Every record that has any key."""
    names = {key.removeprefix(f"{prefix}.").partition(".")[0] for key in keys if key.startswith(f"{prefix}.")}
    return [f"{prefix}.{name}" for name in sorted(names)]


def _ending(keys: Keys, prefix: str, suffix: str) -> Iterator[str]:
    return (key for key in keys if key.startswith(prefix) and key.endswith(suffix))


def _value(keys: Keys, key: str, parse: Callable[[str], object]) -> Found:
    """The complaint about one optional value."""
    try:
        if key in keys:
            parse(keys[key])
    except ValueError as error:
        yield key, str(error)


def _limiter(keys: Keys, base: str, context: str) -> Found:
    yield from _value(keys, f"{base}.enable", values.boolean)
    if keys.get(f"{base}.enable") == "false":
        return
    if f"{base}.rate" not in keys:
        yield f"{base}.rate", "Missing property"
    yield from _value(keys, f"{base}.rate", values.rate)
    yield from conditions.expression(keys, f"{base}.match", context)


def _route(keys: Keys, base: str) -> Found:
    kind = keys[f"{base}.type"]
    if kind not in ("relay", "local", "mx"):
        yield f"{base}.type", f"Invalid route type: \"{kind}\". Expected 'relay', 'local', or 'mx'."
    for name in ("address", "port", "protocol") if kind == "relay" else ():
        if f"{base}.{name}" not in keys:
            yield f"{base}.{name}", "Missing property"
            if name == "address":
                return


def _quota(keys: Keys, base: str) -> Found:
    yield from _value(keys, f"{base}.enable", values.boolean)
    if keys.get(f"{base}.enable") == "false":
        return
    limits = [keys.get(f"{base}.{name}", "") for name in ("size", "messages")]
    for name in ("size", "messages"):
        yield from _value(keys, f"{base}.{name}", values.optional(values.integer))
    yield from conditions.expression(keys, f"{base}.match", "queueHost")
    if not any(text.isdecimal() and int(text) for text in limits):
        yield base, "Queue quota needs to define a valid 'size' and/or 'messages' property."


def _schedule(keys: Keys, base: str) -> Found:
    queue = keys.get(f"{base}.queue-name")
    if queue is None:
        yield f"{base}.queue-name", "Missing property"
    elif queue != "default" and f"queue.virtual.{queue}.threads-per-node" not in keys:
        yield f"{base}.queue-name", f"Virtual queue '{queue}' does not exist."
        return
    retries = [key for key in keys if key == f"{base}.retry" or key.startswith(f"{base}.retry.")]
    wrong = [found for key in retries for found in _value(keys, key, values.seconds)]
    yield from wrong
    if len(wrong) == len(retries):
        yield f"{base}.retry", "At least one 'retry' duration must be specified."
    expiry = [*_value(keys, f"{base}.expire", values.seconds)]
    attempts = [*_value(keys, f"{base}.max-attempts", values.integer)]
    yield from [*expiry, *attempts]
    if f"{base}.expire" in keys and f"{base}.max-attempts" in keys and not expiry and not attempts:
        yield f"{base}.expire", "Cannot specify both 'expire' and 'max-attempts'."
