"""What is measured, not asserted. Each module prints a Markdown table: `python -m benchmarks.NAME`."""
