"""Tables and images that users bring: read from bytes, described, previewed.

Knows no HTTP, database or engine. pandas, pyarrow and Pillow are imported where a file is read.
"""

from reglab.core.tables.address import address
from reglab.core.tables.errors import TableError
from reglab.core.tables.facts import FeatureFacts, TableFacts, TargetFacts, describe
from reglab.core.tables.reading import read_table
from reglab.core.tables.table import ReadOptions, Table

__all__ = [
    "FeatureFacts",
    "ReadOptions",
    "Table",
    "TableError",
    "TableFacts",
    "TargetFacts",
    "address",
    "describe",
    "read_table",
]
