"""The OpenAI-compatible server: chat UIs and programs that speak to a model speak to MoMA."""
