"""The conversation in a terminal: `python -m app.chat`."""
