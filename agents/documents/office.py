"""Reads PDF and Word files from bytes, within limits on pages, time and unpacked size.

It knows no folder, no index and no question. A damaged or encrypted file raises UnreadableError, whatever the parser
beneath it raised.
"""

import logging
import re
import struct
import time
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from typing import Any

from agents.documents.sections import (
    MAX_TEXT,
    Extract,
    Outline,
    Section,
    UnreadableError,
    clean,
)

MAX_PAGES = 2_000
MAX_SECONDS = 60.0
"""Time spent on the pages of one PDF."""
MAX_UNPACKED = 200_000_000
"""Bytes that the parts of a Word file may unpack to."""
_MAX_PARTS = 10_000
_BLOCK = 1 << 16
_WRAPPERS = ("w:sdt", "w:ins", "w:moveTo", "w:smartTag", "w:customXml")
_HYPHENATED = re.compile(r"(?<=[^\W\d_])-\n(?=[a-zà-öø-ÿ])")
# Both parsers walk untrusted structures and let whatever goes wrong there escape: a missing key, a wrong type, a
# broken stream.
_DAMAGE: tuple[type[Exception], ...] = (
    ArithmeticError, AssertionError, AttributeError, EOFError, LookupError, OSError, RuntimeError, TypeError,
    ValueError, struct.error, zipfile.BadZipFile, zlib.error,
)  # fmt: skip


def read_pdf(data: bytes) -> Extract:
    """Return the text of a PDF, a section a page.

    Raises:
        UnreadableError: the file is damaged, encrypted, or holds no text.
    """
    # Imported on first use: it takes 300 ms and most turns read no file.
    from pypdf import PdfReader
    from pypdf.errors import PyPdfError

    # pypdf logs every oddity that it repairs; what could not be read is reported by the index.
    logging.getLogger("pypdf").setLevel(logging.CRITICAL)
    damage: tuple[type[Exception], ...] = (*_DAMAGE, PyPdfError)
    with _damage_as_unreadable("PDF", damage):
        reader = PdfReader(BytesIO(data))
        # Many files are locked against changes only and open with an empty password.
        if reader.is_encrypted and not reader.decrypt(""):
            raise UnreadableError("is encrypted: save a copy without a password")
        total = len(reader.pages)
    sections, bad, read = [], 0, 0
    room, deadline = MAX_TEXT, time.monotonic() + MAX_SECONDS
    for number in range(1, min(total, MAX_PAGES) + 1):
        if room <= 0 or time.monotonic() > deadline:
            break
        read = number
        try:
            text = reader.pages[number - 1].extract_text()
        except damage:
            bad += 1
            continue
        text = _HYPHENATED.sub("", clean(text)).strip()[:room]
        room -= len(text)
        if text:
            sections.append(Section(text=text, page=number))
    if not sections:
        raise UnreadableError("has no readable text: its pages may be scanned images")
    return Extract(tuple(sections), _pdf_note(total, read=read, bad=bad))


def _pdf_note(total: int, *, read: int, bad: int) -> str:
    parts = []
    if read < total:
        parts.append(f"is long: only the first {read:,} of {total:,} pages were read")
    if bad:
        parts.append(f"has {bad:,} damaged pages that were left out")
    return " and ".join(parts)


def read_docx(data: bytes) -> Extract:
    """Return the paragraphs and tables of a Word file under their headings.

    Raises:
        UnreadableError: the file is damaged, encrypted, or unpacks to more than the limit.
    """
    if data.startswith(b"\xd0\xcf\x11\xe0"):  # an OLE container: what Word writes for a password
        raise UnreadableError(
            "is encrypted or an old .doc file: save a copy as .docx without a password"
        )
    with _damage_as_unreadable("Word file", _DAMAGE):
        _check_unpacked(data)
        outline = Outline()
        for level, text in _word_blocks(data):
            if level:
                outline.heading(text, level=level)
            else:
                outline.paragraph(text)
            if outline.full:
                break
        return outline.extract()


def _word_blocks(data: bytes) -> Iterator[tuple[int, str]]:
    """Yield (heading level, or 0, and the text) of each paragraph and table row."""
    # Imported on first use: it takes 200 ms and most turns read no file.
    from docx import Document
    from docx.table import Table

    document = Document(BytesIO(data))
    _unwrap(document.element.body)
    for block in document.iter_inner_content():
        if isinstance(block, Table):
            for texts in _rows(block):
                yield 0, " | ".join(dict.fromkeys(texts))  # merged cells repeat
            continue
        style = (block.style.name or "") if block.style is not None else ""
        heading = re.fullmatch(r"Heading ([1-9])", style)
        level = int(heading[1]) if heading else int(style == "Title")
        yield level, block.text


def _unwrap(body: Any) -> None:
    """Put what stands within insertions, content controls and the like in their place: python-docx passes them over.

    What was deleted stays within its mark, and is no text.
    """
    from docx.oxml.ns import qn

    held = qn("w:sdtContent")
    for around in list(body.iter(*map(qn, _WRAPPERS))):
        inner = around.find(held) if around.tag == qn("w:sdt") else around
        parent = around.getparent()
        place = parent.index(around)
        parent.remove(around)
        for child in reversed([] if inner is None else list(inner)):
            parent.insert(place, child)


def _rows(table: Any) -> Iterator[list[str]]:
    """Yield the texts of each row's cells; one that goes on with the cell above has that one's.

    python-docx goes through every column that a cell claims, and up through every row, for each of them anew.
    """
    from docx.table import _Cell

    above: dict[int, str] = {}
    for row in table._tbl.tr_lst:
        column, texts = row.grid_before, dict[int, str]()
        for cell in row.tc_lst:
            goes_on = cell.vMerge == "continue"
            text = above.get(column, "") if goes_on else _Cell(cell, table).text
            texts[column] = " ".join(text.split())
            column += max(1, cell.grid_span)
        above = texts
        yield list(texts.values())


def _check_unpacked(data: bytes) -> None:
    """Unpack every part in small blocks and count, since the sizes that a zip declares may be lies."""
    with zipfile.ZipFile(BytesIO(data)) as archive:
        parts = archive.infolist()
        total = 0
        for part in parts:
            # Other methods than deflate unpack a block without a bound.
            if part.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                raise UnreadableError("is packed in a way that Word does not use")
            part.file_size = 2 * MAX_UNPACKED  # zipfile stops there, not at the declared size
            with archive.open(part) as stream:
                while block := stream.read(_BLOCK):
                    total += len(block)
                    if total > MAX_UNPACKED or len(parts) > _MAX_PARTS:
                        limit = f"{MAX_UNPACKED // 1_000_000} MB or {_MAX_PARTS:,} parts"
                        raise UnreadableError(f"unpacks to more than the limit of {limit}")


@contextmanager
def _damage_as_unreadable(kind: str, damage: tuple[type[Exception], ...]) -> Iterator[None]:
    try:
        yield
    except damage as error:
        raise UnreadableError(f"is damaged or not a {kind}") from error
