"""What becomes of principals that an inventory does not name any more."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.tenantmail.stalwart.plugins.module_utils.failure import Failure
from ansible_collections.tenantmail.stalwart.plugins.module_utils.reconcile import Change
from ansible_collections.tenantmail.stalwart.plugins.module_utils.stalwart.managed import (
    managing_of,
    refuse_many,
    rest_of,
)
from ansible_collections.tenantmail.stalwart.plugins.module_utils.stalwart.principal import Principal
from ansible_collections.tenantmail.stalwart.plugins.module_utils.stalwart.principal_checks import Census

CENSUS = Census(
    kinds={"a@x.test": "individual", "b@x.test": "individual", "g@x.test": "group", "root@x.test": "individual"},
    administrators={"root@x.test"},
)
MARKS = ("a@x.test", "b@x.test", "g@x.test", "gone@x.test")
NAMED = [Principal("principals[0] a@x.test", "a@x.test", "individual", "present", {})]


@pytest.mark.parametrize(
    ("options", "marks", "states", "released", "left"),
    [
        ({}, MARKS, {"b@x.test": "suspended"}, ["gone@x.test"], ["g@x.test"]),
        ({"disappeared": "absent"}, MARKS, {"b@x.test": "absent", "g@x.test": "absent"}, ["gone@x.test"], []),
        ({"disappeared": "keep"}, MARKS, {}, ["b@x.test", "g@x.test", "gone@x.test"], []),
        ({"spare": ["B@x.test"]}, MARKS, {}, ["gone@x.test"], ["g@x.test"]),
        ({}, (), {}, [], []),
        ({"exclusive": True}, (), {"b@x.test": "suspended"}, [], []),
        ({"exclusive": True, "disappeared": "absent"}, (), {"b@x.test": "suspended"}, [], []),
        ({"exclusive": True, "api_username": "b@x.test"}, (), {}, [], []),
        ({"managed_by": None}, MARKS, {}, [], []),
    ],
)
def test_who_is_touched(
    options: dict[str, Any], marks: tuple[str, ...], states: dict[str, str], released: list[str], left: list[str]
) -> None:
    rest = rest_of(managing_of({"managed_by": "mailboxes", **options}), NAMED, CENSUS, marks)
    assert {principal.name: principal.state for principal in rest.principals} == states
    assert (list(rest.released), [name for name, _kind in rest.left]) == (released, left)


UNNAMED = [Change("update", "individual", "b@x.test"), Change("update", "individual", "root@x.test")]
NO_CHANGE_OF_THEM = [Change("update", "individual", "a@x.test"), Change("delete", "mark", "b@x.test")]


@pytest.mark.parametrize(
    ("most", "changes", "refused"),
    [(0, UNNAMED, True), (1, UNNAMED, False), (0, NO_CHANGE_OF_THEM, False), (None, UNNAMED, False)],
)
def test_how_many_are_touched_at_once(most: int | None, changes: list[Change], refused: bool) -> None:
    managing = managing_of({"managed_by": "mailboxes", "disappeared_max": most})
    rest = rest_of(managing, NAMED, CENSUS, MARKS)
    if not refused:
        refuse_many(managing, rest, changes)
        return
    with pytest.raises(Failure) as caught:
        refuse_many(managing, rest, changes)
    assert "1 principals that are not named any more would be suspended or removed (b@x.test)" in caught.value.message
    assert "-e mailboxes_disappeared_max=1" in caught.value.hint


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"exclusive": True}, "needs managed_by"),
        ({"managed_by": "My people"}, "managed_by"),
        ({"managed_by": "people", "spare": ["nobody", "a@x.test"]}, "spare[0]"),
    ],
)
def test_wrong_options(options: dict[str, Any], expected: str) -> None:
    with pytest.raises(Failure) as caught:
        managing_of(options)
    assert (caught.value.code, expected in caught.value.message) == ("invalid_value", True)
