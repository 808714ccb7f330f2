"""Log objects of another day: those of the demo, moved into the past, where their hours and days are over."""

import gzip
import re
from datetime import date, timedelta

DAYS = 10
DATES = re.compile(r"(?<!\d)(20\d\d)(-|/|)(\d\d)\2(\d\d)(?=T\d|/)")
EPOCHS = re.compile(r"(?<!\d)1[7-9]\d{8}(?!\d)")


def moved(text):
    """A key or a record with each day ten days before."""

    def before(found):
        year, dash, month, day = found.groups()
        return (date(int(year), int(month), int(day)) - timedelta(days=DAYS)).strftime(f"%Y{dash}%m{dash}%d")

    return DATES.sub(before, text)


def move(bucket, to):
    """Move every text object of a bucket's directory, with the times in it; returns how many."""
    count = 0
    for path in sorted(bucket.rglob("*.gz")):
        key = str(path.relative_to(bucket))
        text = gzip.decompress(path.read_bytes()).decode()
        if "vpcflowlogs" in key:
            text = EPOCHS.sub(lambda found: str(int(found[0]) - DAYS * 86_400), text)
        target = to / moved(key)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(gzip.compress(moved(text).encode(), mtime=0))
        count += 1
    return count
