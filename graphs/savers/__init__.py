"""LangGraph's savers for SQLite and PostgreSQL, which write in batches, and the locks between processes beside them."""
