"""The published translation table is the code's."""

from __future__ import annotations

from pathlib import Path

from tests.tools import vocabulary

ROOT = Path(__file__).resolve().parents[3]


def test_the_published_table_is_the_one_that_is_used() -> None:
    published = (ROOT / "docs" / "vocabulary-0.15.md").read_text(encoding="utf-8")
    assert published == vocabulary.document(), "python -m tests.tools.vocabulary > docs/vocabulary-0.15.md"
