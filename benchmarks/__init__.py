"""What is measured, not asserted. Each module prints a Markdown table: `python -m benchmarks.NAME`."""

import graphs  # noqa: F401 first, since it sets how many threads NumPy takes
