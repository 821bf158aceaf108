"""MoMA behind a LangGraph server, called as if it were here; `langgraph dev` is one, at http://127.0.0.1:2024."""

import sys
from typing import Any

from langgraph.pregel.remote import RemoteGraph
from langgraph_sdk import get_sync_client

url = sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:2024"
graph = RemoteGraph("agent", url=url)
thread = get_sync_client(url=url).threads.create()["thread_id"]
config: Any = {"configurable": {"thread_id": thread}}

for text in (
    "What is 17% of 2,350?",
    "remind me to call mum tomorrow at 9",
    "delete all my tasks",
    "yes",
):
    result = graph.invoke({"messages": [{"role": "user", "content": text}]}, config)
    waits = graph.get_state(config).interrupts
    # What waits for an approval is answered by the next message.
    print(waits[0].value["question"] if waits else result["messages"][-1]["content"])
