from __future__ import annotations

import pytest
from ansible_collections.tenantmail.stalwart.plugins.module_utils.failure import Failure
from ansible_collections.tenantmail.stalwart.plugins.module_utils.reconcile import Change, Plan, after_writes, converge


class Server:
    """Holds one value; may refuse to keep what is written."""

    def __init__(self, value: int, keeps: bool = True) -> None:
        self.value, self.keeps, self.writes = value, keeps, 0

    def write(self, plan: Plan, _current: int) -> None:
        self.writes += 1
        if self.keeps:
            self.value = plan.changes[0].payload


def plan_to(desired: int):
    def plan(current: int) -> Plan:
        if current == desired:
            return Plan()
        return Plan((Change("update", "value", "x", current, desired, payload=desired),))

    return plan


def test_writes_once_and_reads_back() -> None:
    server = Server(1)
    plan, after = converge("stalwart", lambda: server.value, plan_to(2), server.write, check_mode=False)
    assert (plan.changed, after, server.writes) == (True, 2, 1)
    assert plan.summary() == [{"action": "update", "kind": "value", "key": "x"}]
    assert plan.diff() == [{"before_header": "value x", "after_header": "value x", "before": 1, "after": 2}]


@pytest.mark.parametrize(("start", "check_mode"), [(2, False), (1, True)])
def test_no_write_when_equal_or_in_check_mode(start: int, check_mode: bool) -> None:
    server = Server(start)
    plan, _after = converge("stalwart", lambda: server.value, plan_to(2), server.write, check_mode=check_mode)
    assert server.writes == 0
    assert plan.changed is (start != 2)


def test_a_server_that_does_not_keep_the_write_is_a_failure() -> None:
    server = Server(1, keeps=False)
    with pytest.raises(Failure, match="update value x") as caught:
        converge("stalwart", lambda: server.value, plan_to(2), server.write, check_mode=False)
    assert caught.value.code == "not_converged"


def test_a_failure_after_writing_names_what_was_written() -> None:
    server = Server(1)

    def read() -> int:
        if server.writes:
            raise Failure("stalwart", "unreachable", "gone.", hint="Look at it.")
        return server.value

    with pytest.raises(Failure) as caught:
        converge("stalwart", read, plan_to(2), server.write, check_mode=False)
    assert caught.value.hint == "Look at it. Written before: update value x; the next run continues from there."
    assert after_writes(caught.value, ["other"]).hint.count("Written before") == 1, "the innermost one knows best"


def test_what_was_written_is_listed_briefly() -> None:
    failure = after_writes(Failure("stalwart", "conflict", "no."), (f"x{n}" for n in range(10)))
    assert failure.hint.startswith("Written before: x0, x1,")
    assert "x7 and 2 more" in failure.hint
    assert after_writes(Failure("stalwart", "conflict", "no.", hint="h"), []).hint == "h"
