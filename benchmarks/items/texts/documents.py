"""The text of documents: Word, PowerPoint, PDF."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator
from typing import Any


def word(data: bytes) -> str:
    """Paragraphs and tables of a Word file, in its order."""
    from docx import Document
    from docx.table import Table

    parts = Document(io.BytesIO(data)).iter_inner_content()
    return "\n".join(_table(each) if isinstance(each, Table) else each.text for each in parts)


def slides(data: bytes) -> str:
    """The text of each slide of a PowerPoint file, its tables and its notes."""
    from pptx import Presentation

    return "\n\n".join(
        "\n".join((f"Slide {n}:", *_shapes(slide.shapes), *_notes(slide)))
        for n, slide in enumerate(Presentation(io.BytesIO(data)).slides, 1)
    )


def pdf(data: bytes) -> str:
    """The text of a PDF, page by page; empty for pages that are pictures."""
    from pypdf import PdfReader

    pages = (page.extract_text().strip() for page in PdfReader(io.BytesIO(data)).pages)
    return "\n\n".join(text for text in pages if text)


def _shapes(shapes: Iterable[Any]) -> Iterator[str]:
    """What is written in shapes, and in those that they group."""
    for shape in shapes:
        if shape.has_text_frame and shape.text_frame.text.strip():
            yield shape.text_frame.text
        elif getattr(shape, "has_table", False):
            yield _table(shape.table)
        elif hasattr(shape, "shapes"):
            yield from _shapes(shape.shapes)


def _notes(slide: Any) -> Iterator[str]:
    frame = slide.notes_slide.notes_text_frame if slide.has_notes_slide else None
    if frame is not None and frame.text.strip():
        yield f"Notes: {frame.text}"


def _table(table: Any) -> str:
    return "\n".join(" | ".join(cell.text for cell in row.cells) for row in table.rows)
