"""The nodes of the orchestrator, one file each."""
