"""An agent that answers from a folder of documents with quoted passages, each with its file and page or heading.

It reads txt, md, html, pdf and docx, keeps its index in `documents.db` in the agents' home, and works without a
language model; a capable one may phrase the answer, from the passages only. It knows no router. The folder is shared
by all who may use the agent: what is granted is the agent, not single documents.
"""

from collections.abc import Mapping
from typing import Any

from agents.documents.graph import Graph, build_graph
from agents.folders import folder_option

__all__ = ["build"]


def build(options: Mapping[str, Any]) -> Graph:
    """Return the compiled agent.

    Args:
        options: `folder`, the path of the documents, relative to the agents' home unless absolute.

    Raises:
        CatalogError: an option is unknown or of the wrong type.
    """
    return build_graph(folder_option(options, agent="documents"))
