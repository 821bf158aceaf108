"""Reads plain text, Markdown and HTML from bytes. It knows no folder, no index and no question.

Markup is dropped and only what a reader would see is kept; scripts, styles and navigation are not read.
"""

import codecs
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from typing import Any

from agents.documents.sections import Extract, Outline, UnreadableError

_MAX_MARKDOWN = 20_000_000
"""Characters of source that are parsed; markup is longer than the text in it."""
_MAX_INLINE = 20_000
"""Characters of a paragraph of Markdown whose emphasis and links are read, which takes their square."""
_MAX_HTML = 2_000_000
"""The same of a page, whose tree takes seconds and half a gigabyte then."""
_HEAD = 4_096
_INLINED = re.compile(r"data:[\w/+.;=-]{1,100},[A-Za-z0-9+/=%]+")
"""A picture within the page."""
_UNSEEN = (
    "script",
    "style",
    "nav",
    "noscript",
    "template",
    "svg",
    "head",
    "iframe",
    "object",
    "button",
    "select",
    "textarea",
)
_MARKUP = (("<!--", "-->"), ("<![", "]>"), ("<", ">"))
"""What begins and ends comments, sections and tags."""
_HEADINGS = ("h1", "h2", "h3", "h4", "h5", "h6")
_CELLS = ("td", "th")
_BLOCKS = frozenset(
    "address article aside blockquote body caption dd details div dl dt figcaption figure footer header hr li main"
    " ol p pre section summary table tbody tfoot thead tr ul".split()
)
_FRONT_MATTER = re.compile(r"\A---[ \t]*\n.{0,20000}?\n(?:---|\.\.\.)[ \t]*\n", re.DOTALL)
_BLANK_LINES = re.compile(r"\n[ \t]*\n")


def read_text(data: bytes) -> Extract:
    """Return the paragraphs of a plain text file."""
    outline = Outline()
    for paragraph in _BLANK_LINES.split(decode(data)):
        outline.paragraph(paragraph)
        if outline.full:
            break
    return outline.extract()


def read_markdown(data: bytes) -> Extract:
    """Return the paragraphs of a Markdown file under their headings."""
    # Imported on first use: it takes 40 ms and most turns read no file.
    from markdown_it import MarkdownIt
    from markdown_it.token import Token

    parser = MarkdownIt("commonmark").enable("table").disable(["inline", "text_join"])
    references: dict[str, Any] = {}

    def words(token: Token) -> str:
        if len(token.content) > _MAX_INLINE:
            return token.content
        children: list[Token] = []
        parser.inline.parse(token.content, parser, references, children)
        shown = (child for child in children if child.type != "html_inline")
        return "".join(
            "\n" if child.type in ("softbreak", "hardbreak") else child.content for child in shown
        )

    outline = Outline()
    text, note = _begun(decode(data), _MAX_MARKDOWN)
    source = _FRONT_MATTER.sub("", text.replace("\r\n", "\n"))
    level = 0
    row: list[str] | None = None
    for token in parser.parse(source, references):
        if token.type == "heading_open":
            level = int(token.tag[1])
        elif token.type == "inline" and level:
            outline.heading(words(token), level=level)
            level = 0
        elif token.type == "inline" and row is not None:
            row.append(words(token))
        elif token.type == "inline":
            outline.paragraph(words(token))
        elif token.type in ("fence", "code_block"):
            outline.paragraph(token.content)
        elif token.type == "tr_open":
            row = []
        elif token.type == "tr_close" and row is not None:
            outline.paragraph(" | ".join(row))
            row = None
    return _noted(outline.extract(), note)


def read_html(data: bytes) -> Extract:
    """Return the visible paragraphs of an HTML page under their headings.

    Raises:
        UnreadableError: it is no HTML.
    """
    # Imported on first use: it takes 100 ms and most turns read no file.
    from bs4 import BeautifulSoup
    from bs4.exceptions import ParserRejectedMarkup

    text, note = _begun(_INLINED.sub("", _html(data)), _MAX_HTML)
    if note:
        text = text[: text.rfind(">") + 1]  # half a tag would be read as text
    try:
        soup = BeautifulSoup(_ended(text), "html.parser")
    except ParserRejectedMarkup:
        raise UnreadableError("it is no HTML that can be read") from None
    for unseen in soup.find_all(_UNSEEN):
        if not unseen.decomposed:
            unseen.decompose()
    outline = Outline()
    for kind, text in _visible(soup):
        if kind:
            outline.heading(text, level=kind)
        else:
            outline.paragraph(text)
    return _noted(outline.extract(), note)


def _ended(text: str) -> str:
    """Return `text` without beginnings of markup that nothing ends: for each all that follows would be searched."""
    for begin, end in _MARKUP:
        whole, found, rest = text.rpartition(end)
        text = whole + found + rest.replace(begin, f"&lt;{begin[1:]}")
    return text


def _html(data: bytes) -> str:
    """Return a page's text by its byte-order mark or what it says of itself, else as plain text is read."""
    from bs4.dammit import EncodingDetector

    named = EncodingDetector.find_declared_encoding(data[:_HEAD], is_html=True)
    # A page whose first bytes could be read is in no UTF-16, whatever it says.
    if named is not None and not named.startswith("utf-16"):
        with suppress(LookupError):
            return data.decode(named, errors="replace")
    return decode(data)


def _begun(text: str, most: int) -> tuple[str, str]:
    """Return the beginning of a text that is read, and what to say of the rest."""
    if len(text) <= most:
        return text, ""
    return text[:most], f"is long: only the first {most:,} characters were read"


def _noted(extract: Extract, note: str) -> Extract:
    return replace(extract, note=extract.note or note)


def _visible(soup: object) -> Iterator[tuple[int, str]]:
    """Yield (heading level, or 0 for a paragraph, and its text) in reading order."""
    from bs4 import BeautifulSoup
    from bs4.element import NavigableString, PreformattedString, Tag

    assert isinstance(soup, BeautifulSoup)
    for heading in soup.find_all(_HEADINGS):
        heading.string = heading.get_text(
            " ", strip=True
        )  # one child, so that it can be passed over below
    paragraph: list[str] = []
    title: object = None
    for node in soup.descendants:
        if isinstance(node, Tag):
            is_heading = node.name in _HEADINGS
            if is_heading or node.name in _BLOCKS:
                yield 0, "".join(paragraph)
                paragraph = []
            if is_heading:
                title = node.string
                yield int(node.name[1]), str(title or "")
            elif node.name == "br":
                paragraph.append("\n")
            elif node.name in _CELLS and paragraph:
                paragraph.append(" | ")
        elif isinstance(node, NavigableString) and not isinstance(node, PreformattedString):
            if node is not title:  # comments and doctypes are PreformattedString
                paragraph.append(re.sub(r"\s+", " ", node))
    yield 0, "".join(paragraph)


def decode(data: bytes) -> str:
    """Return bytes as text: by their byte-order mark, else UTF-8, else Windows-1252.

    Raises:
        UnreadableError: the bytes are not text.
    """
    for mark, encoding in (
        (codecs.BOM_UTF8, "utf-8-sig"),
        (codecs.BOM_UTF16_LE, "utf-16"),
        (codecs.BOM_UTF16_BE, "utf-16"),
    ):
        if data.startswith(mark):
            return data.decode(encoding, errors="replace")
    if b"\0" in data:
        raise UnreadableError("is not text: it holds NUL bytes")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode("cp1252", errors="replace")
