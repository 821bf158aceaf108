"""An agent of LangChain's whose model MoMA chooses anew for each turn, among those that can call tools."""

import sys

from langchain.agents import create_agent
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI

from graphs import Catalog, Context, Services
from graphs.middleware import ModelChoice


@tool
def stock(item: str) -> str:
    """Say how many pieces of an item are in the store."""
    return f"There are 7 pieces of {item}."


services = Services.from_catalog(Catalog.from_file("catalog.yaml"))
agent = create_agent(
    # Never called: the middleware puts the chosen model in its place.
    model=ChatOpenAI(model="gpt-5.6", api_key="not used"),
    tools=[stock],
    middleware=[ModelChoice(services, caller=lambda context: context or Context())],
    context_schema=Context,
)
question = " ".join(sys.argv[1:]) or "How many lamps are in the store?"
result = agent.invoke({"messages": [("user", question)]}, context=Context(preference="performance"))
print(result["messages"][-1].text)
print("chosen:", result["moma_record"]["chosen"], "because", result["moma_record"]["reason"])
services.close()
