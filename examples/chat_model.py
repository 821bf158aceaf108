"""MoMA where a LangChain chat model is expected: threads by config, streaming, async as well."""

from langchain_core.output_parsers import StrOutputParser
from langchain_core.prompts import ChatPromptTemplate
from langgraph.checkpoint.memory import InMemorySaver

from graphs import Context, MomaChatModel, build_graph

graph = build_graph(catalog="catalog.yaml", checkpointer=InMemorySaver())
model = MomaChatModel(graph=graph, context=Context(user="ada", preference="cost"))

# A thread in the config keeps the dialogue: only the newest message is sent.
thread = {"configurable": {"thread_id": "42"}}
first = model.invoke("What is 17% of 2,350?", thread)
print(first.text, "from", first.response_metadata["served_by"]["id"])
for chunk in model.stream("and 20%?", thread):
    print(chunk.text, end="")
print()

# Without one it is a model like any other, in a chain like any other.
chain = (
    ChatPromptTemplate.from_messages([("user", "What is {a} times {b}?")])
    | model
    | StrOutputParser()
)
print(chain.invoke({"a": 12, "b": 12}))
