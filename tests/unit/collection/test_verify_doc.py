"""docs/verify.md lists every check and every cause as the code has them."""

from __future__ import annotations

from pathlib import Path

from tests.tools.verify_doc import render

ROOT = Path(__file__).parents[3]


def test_the_document_is_what_the_code_says() -> None:
    printed = (ROOT / "docs/verify.md").read_text(encoding="utf-8")
    assert printed == render(), "python -m tests.tools.verify_doc > docs/verify.md"
