"""Every example of the documentation is something that a server of each generation takes."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from .server import Server

PAGE = Path(__file__, "../../../docs/settings-by-task.md").resolve()
EXAMPLES: dict[str, dict[str, Any]] = {
    f"{title} {number}": yaml.safe_load(block.replace("{{ relay_password }}", "Str0ng-pass-77123"))
    for title, text in re.findall(r"^## (.+?)\n(.+?)(?=^## |\Z)", PAGE.read_text(encoding="utf-8"), re.M | re.S)
    for number, block in enumerate(re.findall(r"^```yaml\n(.+?)^```", text, re.M | re.S))
}


@pytest.mark.parametrize("title", EXAMPLES)
def test_an_example_is_accepted(both: Server, title: str) -> None:
    """In check mode, for the issuer of an example does not exist. What an empty 0.15 reads from its file is no matter here."""
    where = {} if both.generation == "0.16" else {"server": "absent", "generation": "0.15"}
    for secret in ({}, {"settings": plain(EXAMPLES[title]["settings"])}):
        planned = both.settings(check=True, **{**EXAMPLES[title], **where, **secret})
        assert planned["changed"] is (EXAMPLES[title].get("state") != "absent")
        assert not planned["unvalidated"]


def plain(value: Any) -> Any:
    """The same with secrets as texts."""
    if isinstance(value, dict):
        return value["secret"] if "secret" in value else {key: plain(item) for key, item in value.items()}
    return [plain(item) for item in value] if isinstance(value, list) else value


def test_there_are_examples() -> None:
    assert len(EXAMPLES) >= 7
