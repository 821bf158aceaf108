"""MoMA as an A2A agent: `make_a2a` returns an application that an HTTP server mounts."""

from app.a2a.application import make_a2a

__all__ = ["make_a2a"]
