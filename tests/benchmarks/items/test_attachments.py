"""The text of attached files, each made by a program that is not the one that reads it."""

import io
import re
import sys
import zipfile
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import matplotlib.figure
import pytest
import xlsxwriter

from benchmarks.items.texts import reading
from benchmarks.items.texts.reading import KINDS, PACKED, Unreadable, text_of

WORD = """<w:document xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"><w:body>
<w:p><w:r><w:t>Gifts</w:t></w:r></w:p>
<w:tbl><w:tr><w:tc><w:p><w:r><w:t>Orla</w:t></w:r></w:p></w:tc>
<w:tc><w:p><w:r><w:t>kite</w:t></w:r></w:p></w:tc></w:tr></w:tbl>
<w:p><w:r><w:t>The </w:t></w:r><w:r><w:t>end</w:t></w:r></w:p></w:body></w:document>"""


def sheet(write: Callable[[Any, Any], None]) -> bytes:
    """An Excel file with what `write(workbook, worksheet)` puts into its first sheet."""
    made = io.BytesIO()
    with xlsxwriter.Workbook(made, {"in_memory": True}) as book:
        write(book, book.add_worksheet("Plots"))
        book.add_worksheet("Empty")
    return made.getvalue()


def packed(**members: bytes | str) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return made.getvalue()


def page(text: str) -> bytes:
    """A PDF of one page."""
    figure, made = matplotlib.figure.Figure(), io.BytesIO()
    figure.text(0.1, 0.5, text)
    figure.savefig(made, format="pdf")
    return made.getvalue()


def word() -> bytes:
    """A Word file of the least that the format wants (ECMA-376, part 1, annex L)."""
    types = "http://schemas.openxmlformats.org/package/2006"
    office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    kind = "application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"
    return packed(
        **{
            "[Content_Types].xml": f'<Types xmlns="{types}/content-types"><Default Extension="rels"'
            ' ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
            f'<Override PartName="/w.xml" ContentType="{kind}"/></Types>',
            "_rels/.rels": f'<Relationships xmlns="{types}/relationships"><Relationship Id="a" '
            f'Type="{office}/officeDocument" Target="w.xml"/></Relationships>',
            "w.xml": WORD,
        }
    )


def test_a_sheet_has_values_dates_and_colours() -> None:
    def write(book: Any, plots: Any) -> None:
        green = book.add_format({"bg_color": "#00FF00"})
        plots.write(0, 0, "town, county", green)
        plots.write(0, 1, 3.5)
        plots.write_formula(1, 0, "=1+1", None, 2)
        plots.write_datetime(
            2, 0, datetime(2020, 1, 2), book.add_format({"num_format": "yyyy-mm-dd"})
        )
        plots.write_blank(4, 4, None, green)

    assert text_of("t.XLSX", sheet(write)).strip() == (
        'Sheet Plots:\n"town, county",3.5\n2,\n2020-01-02,\nCells of colour 00FF00: A1, E5'
    )


def test_a_cell_far_down_does_not_fill_the_rows_before() -> None:
    text = text_of("t.xlsx", sheet(lambda book, plots: plots.write(1_000_000, 3, "deep")))
    assert text.rstrip().endswith(",,,deep")


def test_a_word_file_has_paragraphs_and_tables_in_order() -> None:
    assert text_of("t.docx", word()) == "Gifts\nOrla | kite\nThe end"


def test_slides_have_boxes_tables_groups_and_notes() -> None:
    # No other program that writes them can be had from the index.
    from pptx import Presentation
    from pptx.util import Inches

    show, made = Presentation(), io.BytesIO()
    first, second = (show.slides.add_slide(show.slide_layouts[6]) for _ in range(2))
    box = (Inches(0), Inches(0), Inches(2), Inches(1))
    first.shapes.add_textbox(*box).text_frame.text = "Crustaceans"
    first.shapes.add_group_shape().shapes.add_textbox(*box).text_frame.text = "crab"
    table = first.shapes.add_table(1, 2, *box).table
    table.cell(0, 0).text, table.cell(0, 1).text = "a", "b"
    second.notes_slide.notes_text_frame.text = "say this"
    show.save(made)
    assert text_of("t.pptx", made.getvalue()) == (
        "Slide 1:\nCrustaceans\ncrab\na | b\n\nSlide 2:\nNotes: say this"
    )


def test_a_pdf_has_its_text_and_a_picture_none() -> None:
    assert text_of("t.pdf", page("The answer is 42")) == "The answer is 42"
    assert text_of("t.pdf", page("")) == ""


def test_an_archive_has_each_file_that_can_be_read() -> None:
    members: dict[str, bytes | str] = {
        "in/a.txt": "one",
        "b.pdf": page("two"),
        "c.png": b"\x89PNG",
        "d.zip": packed(e="three"),
        "f.docx": b"no Word file",
        "__MACOSX/in/._a.txt": b"\xff\xfe",
    }
    data = packed(**members)
    assert text_of("t.zip", data) == (
        "File in/a.txt:\none\n\nFile b.pdf:\ntwo\n\nFile c.png: cannot be read here.\n\n"
        "File d.zip: cannot be read here.\n\nFile f.docx: cannot be read here."
    )


@pytest.mark.parametrize("kind", sorted({".pdf", ".txt", *PACKED}))
def test_what_is_not_what_its_name_says_is_refused(kind: str) -> None:
    with pytest.raises(Unreadable, match=rf"t\{kind} is no \{kind} file .*: get it again"):
        text_of(f"t{kind}", b"\xff garbage")


def test_what_unpacks_to_too_much_is_not_unpacked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "LARGEST", 1_000_000)
    with pytest.raises(Unreadable, match=r"t.xlsx unpacks to 1,000,001 bytes, more than 1,000,000"):
        text_of("t.xlsx", packed(a="0" * 1_000_001))


def test_a_package_that_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pypdf", None)
    for name, data in (("t.pdf", b""), ("t.zip", packed(**{"t.pdf": b""}))):
        with pytest.raises(Unreadable, match="t.pdf is read by the package pypdf, which is not"):
            text_of(name, data)


def test_every_kind_is_written_down() -> None:
    said = (Path(__file__).parents[3] / "docs" / "benchmarks.md").read_text()
    assert [kind for kind in KINDS if not re.search(rf"\{kind}[ `\n]", said)] == []
