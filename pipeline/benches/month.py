"""A lake with a month of rollups of every signal, as `query.py` asks it.

In: the demo's lake, in which every signal has found something. Out: a lake whose rollups have the same
schemas and kinds of rows, spread over days and files. Must hold: the same seed makes the same rows.

The rows are drawn from those of the demo, with other names in the columns that a larger platform has more
of. They are written by pyarrow, with the codec, the statistics and the page index that trailflow's own
writer uses, so both who are asked read the same bytes.
"""

import pathlib
import random
from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

START = datetime(2026, 3, 1, tzinfo=UTC)
DAYS = 30
WINDOW = timedelta(minutes=5)
NAMED = ("role_arn", "interface_id", "caller", "repository", "service_account", "instance_id", "subnet_id")
"""Columns of which a platform has many values; each row's gets one of NAMES endings."""
NAMES = 20
SEED = 7
ROW_GROUP_ROWS = 128 * 1024
COMPRESSION = {"compression": "zstd", "compression_level": 1, "write_page_index": True}


def write(demo, lake, files_a_day, rows_a_file):
    """Write the month; returns its files, rows and bytes."""
    dice = random.Random(SEED)
    # The mark of a lake: `trailflow query` looks for it.
    (lake / "_trailflow").mkdir(parents=True)
    files, size = 0, 0
    for folder in sorted((demo / "rollups").iterdir()):
        rows = pa.concat_tables([pq.ParquetFile(path).read() for path in sorted(folder.rglob("*.parquet"))])
        for day in range(DAYS):
            date = START + timedelta(days=day)
            below = lake / "rollups" / folder.name / f"event_date={date:%Y-%m-%d}"
            below.mkdir(parents=True)
            for part in range(files_a_day):
                begin = date + timedelta(days=1) * part / files_a_day
                path = below / f"{batch(begin)}.parquet"
                some = drawn(rows, rows_a_file, begin, timedelta(days=1) / files_a_day, dice)
                pq.write_table(some, path, row_group_size=ROW_GROUP_ROWS, **COMPRESSION)
                files, size = files + 1, size + path.stat().st_size
    return files, files * rows_a_file, size


def batch(opened):
    """The id of a batch that was opened then: a UUIDv7, the same of each signal."""
    digits = f"{int(opened.timestamp() * 1000):012x}"
    return f"{digits[:8]}-{digits[8:]}-7000-8000-000000000000"


def drawn(rows, count, begin, span, dice):
    """So many rows out of these, at windows that begin within the span."""
    some = rows.take(pa.array([dice.randrange(rows.num_rows) for _ in range(count)]))
    windows = max(1, span // WINDOW)
    for place, field in enumerate(some.schema):
        if field.name == "window_start":
            starts = [begin + WINDOW * dice.randrange(windows) for _ in range(count)]
            some = some.set_column(place, field, pa.array(starts, field.type))
        elif field.name in NAMED and pa.types.is_string(field.type):
            endings = pa.array([f"-{dice.randrange(NAMES)}" for _ in range(count)])
            some = some.set_column(place, field, pc.binary_join_element_wise(some[field.name], endings, ""))
    return some


def most_frequent(lake, signal, column):
    """The value that most rows of a signal's first file have."""
    path = next(pathlib.Path(lake, "rollups", signal).rglob("*.parquet"))
    counted = pq.ParquetFile(path).read([column])[column].value_counts().to_pylist()
    return max(counted, key=lambda entry: (entry["counts"], entry["values"] or ""))["values"]
