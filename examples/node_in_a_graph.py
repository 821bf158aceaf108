"""MoMA as a node of another graph: its dialogue is kept in that graph's thread, in a namespace of its own."""

import asyncio
from typing import Any

from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import END, START, MessagesState, StateGraph

from graphs import build_graph

# True: its threads are kept where the outer graph's are.
moma = build_graph(catalog="catalog.yaml", checkpointer=True)


def greet(state: MessagesState) -> dict[str, Any]:
    """Do what the outer graph is there for, such as signing the answer."""
    return {"messages": [("assistant", "Anything else?")]}


async def ask_moma(state: MessagesState) -> dict[str, Any]:
    """Give MoMA the newest message; it has the earlier ones."""
    result = await moma.ainvoke({"messages": state["messages"][-1:]})
    return {"messages": result["messages"][-1:]}


builder = StateGraph(MessagesState)
builder.add_node("moma", ask_moma)
builder.add_node("greet", greet)
builder.add_edge(START, "moma")
builder.add_edge("moma", "greet")
builder.add_edge("greet", END)
graph = builder.compile(checkpointer=InMemorySaver())


async def main() -> None:
    """Say two things; the second goes on with the first."""
    for text in ("What is 17% of 2,350?", "and 20%?"):
        config: Any = {"configurable": {"thread_id": "42"}}
        result = await graph.ainvoke({"messages": [("user", text)]}, config)
        print(result["messages"][-2].text.splitlines()[0])


if __name__ == "__main__":
    asyncio.run(main())
