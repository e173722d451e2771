"""Replays the conversations recorded with real Stalwart 0.15.5 and 0.16.18 servers against the simulator.

Order matters inside a file, and the files of a folder follow each other on one server. What happened between the
recorded steps (restarts, logins, wrong passwords, an issuer that was down) is played by the folder's world.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from .replay import read
from .worlds import WORLDS, World

TRANSCRIPTS = Path(__file__).parent / "transcripts"


@pytest.fixture(scope="module")
def worlds(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, World]]:
    opened = {folder: world(tmp_path_factory.mktemp("replay")) for folder, world in WORLDS.items()}
    yield opened
    for folder, world in opened.items():
        print(f"\n{folder}: {world.compared} recorded exchanges replayed, {len(world.differing)} of them differ")
        world.close()


def test_every_recording_is_replayed() -> None:
    assert sorted(WORLDS) == sorted(path.name for path in TRANSCRIPTS.iterdir())
    for folder, world in WORLDS.items():
        assert sorted(world.ORDER) == sorted(path.stem for path in (TRANSCRIPTS / folder).glob("*.jsonl"))


@pytest.mark.parametrize(
    ("folder", "name"), [(folder, name) for folder, world in WORLDS.items() for name in world.ORDER]
)
def test_answers_are_alike(worlds: dict[str, World], folder: str, name: str) -> None:
    """Files depend on each other: run the module as a whole."""
    world = worlds[folder]
    problems = []
    for exchange in read(TRANSCRIPTS / folder / f"{name}.jsonl"):
        interlude = world.before(name, exchange.step)
        if interlude:
            interlude()
        found = world.play(exchange)
        if exchange.label in world.NOT_COMPARED:
            assert found, f"{exchange.label} is alike: no reason to leave it out"
            continue
        world.compared += 1
        world.differing += [exchange.label] if found else []
        problems += [f"{exchange.label}: {line}" for line in found]
    assert not problems, "\n".join(problems)
