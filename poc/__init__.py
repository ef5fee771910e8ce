"""Is depth from a single photo good enough for our business? The work behind the workbook."""

__version__ = "0.1.0"
