"""MoMA as an MCP server: `python -m app.mcp` speaks over standard input and output."""
