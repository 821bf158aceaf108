"""Says what is configured, reachable and masked, and why: `python -m app.doctor`."""
