"""The developer guide's results, and the document that tells which of them are given here."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import pytest

from elt_redshift.local.redshift import EmbeddedRedshift

from .guide import KINDS, chapters, running, table

CHAPTERS = chapters()
BLOCKS = [block for blocks in CHAPTERS.values() for block in blocks]
DOCUMENT = Path(__file__).parents[3] / "docs" / "embedded-redshift.md"


@pytest.mark.parametrize("name", CHAPTERS)
def test_every_statement_gives_the_documented_result(name: str, redshift: EmbeddedRedshift, s3: Any) -> None:
    """Each statement of the chapter ends as the developer guide says, or as the chapter says that it differs."""
    s3.create_bucket(Bucket="guide")

    def put(key: str, body: str) -> None:
        s3.put_object(Bucket="guide", Key=key, Body=body.encode())

    wrong = [
        f"{block.place}: {block.sql}\n   expected {list(block.expected)}\n   got      {lines}"
        for block, lines in running.mismatches(redshift.data_api, CHAPTERS[name], put)
    ]
    assert not wrong, "\n" + "\n".join(wrong)


def test_each_block_names_its_page_and_feature() -> None:
    """Every statement belongs to a feature of a known kind, and to a page of the guide."""
    for block in BLOCKS:
        assert re.fullmatch(r"[\w-]+", block.page), block.place
        kind, _, name = block.feature.partition(" ")
        assert kind in KINDS, block.place
        assert name, block.place
        assert block.was in ("", "wrong", "refused"), block.place


def test_the_document_is_made_from_the_chapters() -> None:
    """The document's table is the one that the chapters make (ELT_REDSHIFT_WRITE_GOLDEN=1 writes it)."""
    document = DOCUMENT.read_text(encoding="utf-8")
    pattern = re.compile(f"{table.START}.*{table.END}", re.DOTALL)
    written = pattern.sub(lambda _: table.section(BLOCKS), document)
    if os.environ.get("ELT_REDSHIFT_WRITE_GOLDEN"):
        DOCUMENT.write_text(written, encoding="utf-8")
        return
    assert table.START in document
    assert document == written
