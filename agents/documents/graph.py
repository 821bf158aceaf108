"""The documents agent as a graph: understand, refresh the index, then report, list, or search and answer.

The nodes are thin: folder, store, search, quotes and grounded do the work, and none of them knows of LangGraph.
"""

from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from langgraph.graph import END, START, StateGraph
from langgraph.graph.state import CompiledStateGraph
from langgraph.runtime import Runtime

from agents.contract import AgentContext, AgentState, declined, done, failed
from agents.documents import folder as folders
from agents.documents import grounded, report, vectors
from agents.documents.intent import Kind, read_intent
from agents.documents.query import MAX_QUESTION, any_of
from agents.documents.quotes import Quote, excerpt
from agents.documents.search import Finding, search
from agents.documents.store import Store
from agents.errors import AgentError, ProviderError
from agents.folders import names_file

_ASK_SECONDS = 30.0, 5.0
"""How long a question waits for new files to be read, and for passages to be embedded; later turns go on with both."""
_INDEX_SECONDS = 60.0, 30.0
"""The same for a request to index, which must end before the turn's time does."""
_SHOWN = 3
_GIVEN = 6
"""Passages that a model answers from."""
_FEW = 3
"""A follow-up with no more informative words than this is searched with those of the question before it."""
_DEPTH = 30
"""Passages that "show me more" can reach."""


class DocumentsState(AgentState, total=False):
    """What one run keeps between its nodes."""

    kind: str
    """A `Kind`."""
    question: str
    """What is searched: the request, or the question before it when the user wants more."""
    terms: list[str]
    """The informative words of the question."""
    bound: bool
    """Whether the user said that the answer is in the documents."""
    skip: int
    """How many passages on this question were shown before."""
    note: str
    """What could not be read in this run, in Markdown."""
    quotes: list[Quote]
    """The passages found, best first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Nodes:
    """The nodes over one folder."""

    folder: Path
    """Of the documents, relative to the agents' home unless absolute."""

    def understand(self, state: DocumentsState) -> AgentState:
        """Read what the turn wants, in the light of the last question."""
        memory = state.get("memory") or {}
        last = str(memory.get("question", ""))
        if state.get("event") == "cancel":
            text = (
                f"Dropped the question “{report.short(last)}”."
                if last
                else "There is nothing to drop."
            )
            return done(text)
        intent = read_intent(state["request"])
        if intent.kind is Kind.CHANGE:
            return done("I only read the documents; I change and send none of them.")
        if intent.kind is Kind.NONE:
            return declined(intent.reason)
        if intent.kind is Kind.MORE:
            if not last:
                return declined("there is no question on documents of which to show more")
            before = read_intent(last)
            return DocumentsState(
                kind=Kind.MORE.value,
                question=last,
                terms=list(before.terms),
                bound=bool(memory.get("bound")),
                skip=int(memory.get("shown", 0)),
            )
        question, terms = state["request"][:MAX_QUESTION], list(intent.terms)
        if last and intent.follow_up and len(terms) <= _FEW:
            question = f"{question} {last}"[:MAX_QUESTION]
            terms = list(dict.fromkeys([*terms, *read_intent(last).terms]))
        return DocumentsState(
            kind=intent.kind.value, question=question, terms=terms, bound=intent.bound, skip=0
        )

    def refresh(self, state: DocumentsState, runtime: Runtime[AgentContext]) -> AgentState:
        """Bring the index up to date; report it if that was the request."""
        wanted, context = state["kind"] == Kind.INDEX, runtime.context
        folder = self._folder(context.home)
        about_documents = state["kind"] != Kind.ASK or state["bound"]

        def nothing(text: str) -> AgentState:
            # A model would guess what the user's own documents say; what to do helps more.
            return done(report.sentence(text)) if about_documents else declined(text)

        if not folder.is_dir():
            return nothing(report.no_folder(folder))
        files, passages = _INDEX_SECONDS if wanted else _ASK_SECONDS
        tell = _progress(runtime)
        try:
            with self._store(context.home) as store:
                news = folders.update(store, folder, seconds=files, progress=tell)
                left = vectors.complete(store, context.embed, seconds=passages, progress=tell)
                documents = store.documents()
        except AgentError as error:
            return failed(str(error))
        if not documents:
            return nothing(report.empty_folder(folder))
        if wanted:
            return done(report.indexed(news, documents, left=left), data=report.values(documents))
        if state["kind"] != Kind.LIST and not any(document.passages for document in documents):
            return nothing(report.nothing_readable(len(documents)))
        return DocumentsState(note=report.note(news))

    def list_documents(self, state: DocumentsState, runtime: Runtime[AgentContext]) -> AgentState:
        """Name the documents."""
        with self._store(runtime.context.home) as store:
            documents = store.documents()
        return done(report.listed(documents) + state["note"], data=report.values(documents))

    def search(self, state: DocumentsState, runtime: Runtime[AgentContext]) -> AgentState:
        """Find the passages, or say that there are none."""
        limit = _DEPTH if state["skip"] else _GIVEN
        with self._store(runtime.context.home) as store:
            finding = search(
                store,
                state["terms"],
                question=state["question"],
                bound=state["bound"],
                limit=limit,
                embed=runtime.context.embed,
            )
            quotes = _quotes(store, finding, state["terms"])[state["skip"] :]
            documents = store.size()[0]
            partly = [] if quotes else [d for d in store.documents() if d.problem]
        if quotes:
            return DocumentsState(quotes=quotes)
        if state["skip"]:
            return done(
                "There are no more passages on that.", memory=_memory(state, shown=state["skip"])
            )
        reason = report.nothing(documents, terms=state["terms"], missing=finding.missing)
        named = any(names_file(state["question"], d.path) for d in partly)
        if not (state["bound"] or named):
            return declined(reason)
        # Whoever asks what the documents say is served by hearing that they say nothing; a model would guess.
        return done(report.sentence(reason) + (state["note"] or report.left_out(partly)))

    def compose(self, state: DocumentsState, runtime: Runtime[AgentContext]) -> AgentState:
        """Let the model answer from the passages; leave it to `quote` if it does not cite them."""
        model = runtime.context.model
        assert model is not None
        quotes = state["quotes"][:_GIVEN]
        try:
            answered = grounded.answer(model, state["question"], quotes)
        except ProviderError:
            return DocumentsState()
        if answered is None:
            return DocumentsState()
        text, cited = answered
        shown = [(number, quotes[number - 1]) for number in cited]
        return done(
            report.answer(text, shown) + state["note"],
            data={"passages": report.passages(quote for _, quote in shown)},
            memory=_memory(state, shown=0),
        )

    def quote(self, state: DocumentsState) -> AgentState:
        """Answer with the passages themselves."""
        shown = state["quotes"][:_SHOWN]
        return done(
            report.quoted(shown, more=bool(state["skip"])) + state["note"],
            data={"passages": report.passages(shown)},
            memory=_memory(state, shown=state["skip"] + len(shown)),
        )

    def _store(self, home: Path) -> AbstractContextManager[Store]:
        return Store.open(home / "documents.db", folder=self._folder(home))

    def _folder(self, home: Path) -> Path:
        return (home / self.folder).absolute()


def _progress(runtime: Runtime[AgentContext]) -> folders.Progress:
    """Return what tells the stream how far a long step is."""

    def tell(position: int, of: int, what: str) -> None:
        event = {"type": "progress", "agent": "documents", "done": position, "of": of, "text": what}
        runtime.stream_writer(event)

    return tell


def _memory(state: DocumentsState, *, shown: int) -> dict[str, Any]:
    return {"question": state["question"], "bound": state["bound"], "shown": shown}


def _quotes(store: Store, finding: Finding, terms: list[str]) -> list[Quote]:
    match = any_of(terms)
    return [
        Quote(
            file=hit.passage.file,
            page=hit.passage.page,
            heading=hit.passage.heading,
            text=hit.passage.text,
            score=hit.score,
            excerpt=excerpt(store.highlighted(hit.passage.id, match)),
        )
        for hit in finding.hits
    ]


def _after_understand(state: DocumentsState) -> Literal["refresh", "end"]:
    return "end" if state.get("outcome") else "refresh"


def _after_refresh(state: DocumentsState) -> Literal["list", "search", "end"]:
    if state.get("outcome"):
        return "end"
    return "list" if state["kind"] == Kind.LIST else "search"


def _after_search(
    state: DocumentsState, runtime: Runtime[AgentContext]
) -> Literal["compose", "quote", "end"]:
    if state.get("outcome"):
        return "end"
    able = runtime.context.capable and runtime.context.model is not None
    return "compose" if able and state["kind"] == Kind.ASK else "quote"


def _after_compose(state: DocumentsState) -> Literal["quote", "end"]:
    return "end" if state.get("outcome") else "quote"


Graph = CompiledStateGraph[DocumentsState, AgentContext, DocumentsState, DocumentsState]


def build_graph(folder: Path) -> Graph:
    """Return the compiled graph of a documents agent over `folder`."""
    nodes = Nodes(folder=folder)
    builder = StateGraph(DocumentsState, context_schema=AgentContext)
    builder.add_node("understand", nodes.understand)
    builder.add_node("refresh", nodes.refresh)
    builder.add_node("list", nodes.list_documents)
    builder.add_node("search", nodes.search)
    builder.add_node("compose", nodes.compose)
    builder.add_node("quote", nodes.quote)
    builder.add_edge(START, "understand")
    builder.add_conditional_edges(
        "understand", _after_understand, {"refresh": "refresh", "end": END}
    )
    builder.add_conditional_edges(
        "refresh", _after_refresh, {"list": "list", "search": "search", "end": END}
    )
    builder.add_conditional_edges(
        "search", _after_search, {"compose": "compose", "quote": "quote", "end": END}
    )
    builder.add_conditional_edges("compose", _after_compose, {"quote": "quote", "end": END})
    builder.add_edge("list", END)
    builder.add_edge("quote", END)
    return builder.compile(name="documents")
