"""Reads the Prometheus text format, as far as the tests need it."""

import re
from collections import Counter

SAMPLE = re.compile(r"^(?P<name>[a-zA-Z_:][\w:]*)(?:\{(?P<labels>.*)\})? (?P<value>\S+)(?: \d+)?$")
LABEL = re.compile(r'([a-zA-Z_]\w*)="((?:[^"\\]|\\.)*)"')
ESCAPED = {"\\\\": "\\", '\\"': '"', "\\n": "\n"}


class Samples:
    """One scrape."""

    def __init__(self, text):
        self.text = text
        self.samples = []
        for line in text.splitlines():
            if not line or line.startswith("#"):
                continue
            match = SAMPLE.match(line)
            if match is None:
                raise AssertionError(f"not a line of the Prometheus text format: {line!r}")
            labels = {
                name: re.sub(r'\\[\\"n]', lambda escape: ESCAPED[escape.group()], value)
                for name, value in LABEL.findall(match["labels"] or "")
            }
            self.samples.append((match["name"], labels, float(match["value"])))

    def total(self, name, **labels):
        """The sum of a metric's series that carry these labels; 0 when there are none."""
        return sum(
            value
            for found, having, value in self.samples
            if found == name and all(having.get(label) == wanted for label, wanted in labels.items())
        )

    def by(self, name, labels):
        """`{label values: sum}` of a metric, without the series that stand at zero."""
        totals = Counter()
        for found, having, value in self.samples:
            if found == name and value:
                totals[tuple(having.get(label, "") for label in labels)] += value
        return dict(totals)

    def names(self):
        return {name for name, _, _ in self.samples}
