"""Every example of the documentation is something that a server of each generation takes."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests import playbook

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


def test_the_way_in_of_the_readme(simulated: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    readme = (PAGE.parents[1] / "README.md").read_text(encoding="utf-8")
    text = re.search(r"^## A server, no platform\n.+?^```yaml\n(.+?)^```", readme, re.M | re.S)
    assert text
    (play,) = yaml.safe_load(text[1])
    for name in ("STALWART_ADMIN_PASSWORD", "ALICE_PASSWORD"):
        monkeypatch.setenv(name, simulated.target.password)
    (defaults,) = play["module_defaults"].values()
    defaults.update(api_url=simulated.target.base_url, api_username=simulated.target.username)
    # A name server, which Pyzor needs, is not there.
    simulated.settings({"spamPyzor.enable": False})
    found = []
    for _ in range(2):
        plays = [{**play, "hosts": "all", "gather_facts": False}]
        output = playbook.run(tmp_path, {"all": {"hosts": {"localhost": playbook.LOCAL}}}, plays).stdout
        found.append(re.findall(r"changed=(\d+)\s+unreachable=0\s+failed=(\d+)", output))
    assert found == [[("2", "0")], [("0", "0")]], output[-3000:]


def test_there_are_examples() -> None:
    assert len(EXAMPLES) >= 7
