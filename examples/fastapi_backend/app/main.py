"""A chat backend in which MoMA is a library; it has an `app` package of its own."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from fastapi import FastAPI, Header, HTTPException
from fastapi.responses import StreamingResponse
from pydantic import BaseModel

from agents.errors import MomaError
from graphs import Catalog, Context, Options, Services, build_graph
from graphs.checkpoints import open_threads
from graphs.spoken import Said, run_turn


class Message(BaseModel):
    """What a user says."""

    thread: str
    text: str


@asynccontextmanager
async def lifespan(api: FastAPI) -> AsyncIterator[None]:
    """Keep one graph and one store of threads for the whole process; `Options` is what the `MOMA_` settings are."""
    services = Services.from_catalog(Catalog.from_file("catalog.yaml"), Options(home=Path("moma")))
    async with open_threads("moma/threads.sqlite") as saver:
        api.state.graph = build_graph(services=services, checkpointer=saver)
        yield
    services.close()


api = FastAPI(lifespan=lifespan)


@api.post("/chat")
async def chat(message: Message, x_user: str = Header()) -> StreamingResponse:
    """Stream the answer. Who calls comes from your authentication, never from the message."""
    caller = Context(user=x_user)
    turn = run_turn(api.state.graph, message.text, thread=message.thread, context=caller)
    try:
        # A turn that is refused ends here, before the answer has a status.
        first = await anext(turn)
    except MomaError as error:
        raise HTTPException(error.status, str(error)) from None

    async def pieces() -> AsyncIterator[str]:
        yield first.text if isinstance(first, Said) else ""
        async for part in turn:
            if isinstance(part, Said):
                yield part.text

    return StreamingResponse(pieces(), media_type="text/plain")
