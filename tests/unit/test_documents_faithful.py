"""What the documents agent leaves out of a file is said, and what it can read is not lost."""

import re
import zipfile
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from docx import Document

from agents.contract import AgentContext
from agents.documents import build, markup, office

GRAPH = build({})


def text_of(page: bytes) -> str:
    return "\n".join(section.text for section in markup.read_html(page).sections)


def say(home: Path, text: str) -> dict[str, Any]:
    state: Any = {"request": text, "event": "start", "history": [], "memory": {}}
    outcome: dict[str, Any] = GRAPH.invoke(state, context=AgentContext(home=home))["outcome"]
    return outcome


def test_a_long_page_is_cut_between_tags(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(markup, "_MAX_HTML", 25)
    extract = markup.read_html(b"<p>One.</p><p class='a long name'>Two.</p>")
    assert [section.text for section in extract.sections] == ["One."]
    assert extract.note == "is long: only the first 25 characters were read"


def test_pictures_within_a_page_take_no_room() -> None:
    picture = b"<img src='data:image/png;base64," + b"iVBORw0KGgo" * 300_000 + b"'>"
    extract = markup.read_html(picture + b"<p>The launch code is walrus.</p>")
    assert (extract.note, extract.sections[0].text) == ("", "The launch code is walrus.")


def test_a_page_whose_body_is_a_form_is_read() -> None:
    page = b"<form><p>Paid leave is 25 days.</p><select><option>x</option></select></form>"
    assert text_of(page) == "Paid leave is 25 days."


@pytest.mark.parametrize("declared", [b'<meta charset="iso-8859-1">', b""])
def test_a_page_in_another_encoding_is_read(declared: bytes) -> None:
    assert text_of(declared + "<p>Gebühr</p>".encode("latin-1")) == "Gebühr"


def test_a_long_markdown_file_is_cut_between_characters(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(markup, "_MAX_MARKDOWN", 9)
    extract = markup.read_markdown("Die Gebühr ist hoch.".encode())
    assert extract.sections[0].text == "Die Gebüh"
    assert extract.note == "is long: only the first 9 characters were read"


@pytest.mark.parametrize("turn", [1, 2])
def test_who_asks_for_a_file_that_could_not_be_read_is_told_each_time(
    turn: int, tmp_path: Path
) -> None:
    (tmp_path / "documents").mkdir()
    (tmp_path / "documents" / "secret.pdf").write_bytes(b"no pdf")
    (tmp_path / "documents" / "ok.txt").write_text("All about turbines of wind.")
    for _ in range(turn):
        said = say(tmp_path, "What does secret.pdf say about walrus?")
    assert said["event"] == "done"
    assert "secret.pdf" in said["text"].partition("Not read, or not in full")[2]


WORD = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
BODY = f"""<w:body xmlns:w="{WORD}">
<w:p><w:r><w:t xml:space="preserve">The period is </w:t></w:r><w:del><w:r><w:delText>30 days</w:delText></w:r></w:del>
<w:ins><w:r><w:t>ninety days</w:t></w:r></w:ins></w:p>
<w:sdt><w:sdtPr/><w:sdtContent><w:p><w:r><w:t>Liechtenstein</w:t></w:r></w:p></w:sdtContent></w:sdt>
<w:p><w:r><w:t xml:space="preserve">Signed by </w:t></w:r>
<w:sdt><w:sdtContent><w:r><w:t>Ann</w:t></w:r></w:sdtContent></w:sdt></w:p>
</w:body>"""


def test_insertions_and_content_controls_of_a_word_file_are_read() -> None:
    plain = BytesIO()
    Document().save(plain)
    written = BytesIO()
    with zipfile.ZipFile(plain) as old, zipfile.ZipFile(written, "w") as new:
        for part in old.infolist():
            content = old.read(part)
            if part.filename == "word/document.xml":
                content = re.sub(
                    rb"<w:body>.*</w:body>", lambda _: BODY.encode(), content, flags=re.DOTALL
                )
            new.writestr(part, content)
    (section,) = office.read_docx(written.getvalue()).sections
    assert section.text.split("\n\n") == [
        "The period is ninety days",
        "Liechtenstein",
        "Signed by Ann",
    ]
