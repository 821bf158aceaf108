"""Agents that were not written for MoMA: any LangGraph graph, LangGraph servers, MCP servers, A2A agents.

Each becomes a graph over `AgentState`, so that masks, deadlines, budgets and records hold for it as for any agent.
"""
