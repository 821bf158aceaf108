"""A Chainlit chat over MoMA: `chainlit run examples/chainlit_app.py`, in an environment that has Chainlit and MoMA."""

import chainlit as cl
from langgraph.checkpoint.memory import InMemorySaver

from agents.errors import MomaError
from graphs import Context, build_graph
from graphs.spoken import Ended, Noted, Said, run_turn

graph = build_graph(catalog="catalog.yaml", checkpointer=InMemorySaver())


@cl.on_message
async def answer(message: cl.Message) -> None:
    """Stream one turn; what an agent wants a yes for is asked in the answer, and the next message replies."""
    user = cl.user_session.get("user")
    context = Context(user=user.identifier if user else "local")
    reply = cl.Message(content="")
    try:
        async for part in run_turn(
            graph, message.content, thread=cl.user_session.get("id"), context=context
        ):
            if isinstance(part, Said):
                await reply.stream_token(part.text)
            elif isinstance(part, Noted):
                await cl.Message(content=part.text, author="progress").send()
            elif isinstance(part, Ended):
                reply.author = part.served_by["id"]
    except MomaError as error:
        reply.content = str(error)
    await reply.send()
