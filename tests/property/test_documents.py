"""Properties of the documents agent: exact offsets, safe queries, quotes that cannot inject formatting."""

from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from agents.contract import AgentContext
from agents.documents import build, chunks, query, quotes, readers
from agents.documents.graph import DocumentsState
from agents.documents.intent import read_intent
from agents.documents.sections import Section, UnreadableError, clean
from agents.documents.store import Fingerprint, Store

PAGES = st.lists(st.text(st.sampled_from("ab .!?\n字。-"), min_size=1, max_size=4_000), max_size=4)
MARKDOWN = st.text(st.sampled_from("ab1 *_`#>-+.)[]()<>&!|~=:/\\\n\"'$"), max_size=200) | st.text(
    max_size=200
)


@given(PAGES)
@settings(max_examples=80, deadline=None)
def test_offsets_point_at_the_passages_and_no_word_is_lost(pages: list[str]) -> None:
    sections = [Section(text=text, page=number) for number, text in enumerate(pages, start=1)]
    whole = chunks.SEPARATOR.join(pages)
    found = chunks.cut(sections)
    assert all(whole[chunk.start : chunk.end] == chunk.text for chunk in found)
    assert all(first.end <= second.start for first, second in pairwise(found))
    assert "".join("".join(chunk.text.split()) for chunk in found) == "".join(whole.split())
    for chunk in found:
        assert 0 < len(chunk.text) <= chunks.HIGH_CHARS
        assert len(chunk.text.split()) <= chunks.HIGH_WORDS


@given(st.lists(st.text(max_size=300), min_size=1, max_size=8))
@settings(max_examples=60, deadline=None)
def test_no_question_is_a_query_error(questions: list[str]) -> None:
    with TemporaryDirectory() as name, Store.open(Path(name) / "i.db", folder=Path(name)) as store:
        text = 'NEAR AND "OR" NOT near* col: ^x'
        chunk = chunks.Chunk(text=text, page=None, heading="", start=0, end=len(text))
        store.replace("a.txt", Fingerprint(size=1, mtime_ns=1), chunks=[chunk], problem="")
        for question in questions:
            words = query.terms(question)
            assert len(words) <= query.MAX_TERMS
            if words:
                best = store.best(query.any_of(words), limit=5)
                assert set(best) <= {1}


@given(st.text(max_size=400), st.sampled_from(["start", "continue", "cancel", "affirm"]))
@settings(max_examples=50, deadline=None)
def test_any_request_has_an_outcome(request: str, event: str) -> None:
    read_intent(request)
    with TemporaryDirectory() as name:
        home = Path(name)
        (home / "documents").mkdir()
        (home / "documents" / "a.txt").write_text("Some plain words about 0 and A.")
        state: DocumentsState = {"request": request, "event": event, "history": [], "memory": {}}
        result = build({}).invoke(state, context=AgentContext(home=home))
    assert result["outcome"]["event"] in {"done", "declined"}


@given(MARKDOWN)
@settings(max_examples=100, deadline=None)
def test_an_escaped_text_renders_as_itself(text: str) -> None:
    line = " ".join(clean(text).split())
    html = (
        MarkdownIt("commonmark")
        .enable(["table", "strikethrough"])
        .render(f"> {quotes.escape(line)}\n")
    )
    escaped = (
        line.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace('"', "&quot;")
    )
    expected = (
        f"<blockquote>\n<p>{escaped}</p>\n</blockquote>\n"
        if line
        else "<blockquote></blockquote>\n"
    )
    assert html == expected


STARTS = st.sampled_from([b"", b"%PDF-1.7\n", b"PK\x03\x04"])


@given(st.binary(max_size=600), st.sampled_from(sorted(readers.READERS)), STARTS)
@settings(max_examples=100, deadline=None)
def test_any_bytes_are_read_or_refused_with_a_line(data: bytes, ending: str, start: bytes) -> None:
    try:
        extract = readers.read(start + data, name=f"a{ending}")
    except UnreadableError as error:
        texts = str(error).splitlines()
    else:
        texts = [section.text for section in extract.sections]
    assert texts
    assert all(text.strip() for text in texts)


@given(st.text(max_size=3_000))
@settings(max_examples=60, deadline=None)
def test_an_excerpt_is_part_of_its_passage(text: str) -> None:
    words = clean(text).split()
    shown = quotes.excerpt(" ".join(words)).split()
    if len(words) <= quotes.QUOTE_WORDS:
        assert shown == words
    else:
        kept = shown[1:] if shown[0] == "…" and words[0] != "…" else shown
        assert len(kept) <= quotes.QUOTE_WORDS + 20
        assert kept[0] in words
