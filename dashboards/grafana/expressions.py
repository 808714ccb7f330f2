"""PromQL of the dashboards: how counters are counted, and where the chosen variables go in.

In: metric names and labels. Out: expressions. docs/metrics.md says why a signal's counter is
subtracted and not put into increase(): its series begin with their first count.
"""

import re

STEP, RANGE, HOUR = "$__interval", "$__range", "1h"
SELECTOR = re.compile(r"(?<![\w:\"])(trailflow_[a-z0-9_]+)(?![\w:\"])(?:\{([^}]*)\})?")


def selector(metric, where=""):
    """A metric with its matchers."""
    return f"{metric}{{{where}}}" if where else metric


def counted(metric, by="", where="", window=STEP):
    """How much a counter counted in a window: a new or restarted series counts from zero."""
    series = selector(metric, where)
    added = (
        f"last_over_time({series}[{window}]) - last_over_time({series}[1h] offset {window}) >= 0"
        f" or last_over_time({series}[{window}])"
    )
    return f"sum by ({by}) ({added})" if by else f"sum({added})"


def top(expression, number=15):
    """The largest series that are not zero."""
    return f"topk({number}, {expression} > 0)"


def or_zero(expression):
    """Zero instead of nothing, while trailflow is scraped."""
    return f"{expression} or 0 * sum(trailflow_build_info)"


def share(metric, where, of=""):
    """The share of the chosen series in what was counted in the time range."""
    part = counted(metric, where=", ".join(filter(None, (of, where))), window=RANGE)
    return f"{part} / {counted(metric, where=of, window=RANGE)}"


def quantile(level, metric, by):
    """A percentile of a histogram, by a label."""
    return f"histogram_quantile({level}, sum by (le, {by}) (rate({metric}_bucket[$__rate_interval])))"


def rate(metric, by=""):
    """Counts per second of a counter that exists from the start."""
    return f"sum by ({by}) (rate({metric}[$__rate_interval]))" if by else f"sum(rate({metric}[$__rate_interval]))"


def firing(names, more=""):
    """The alerts of a list that fire now."""
    return f'ALERTS{{alertname=~"{"|".join(names)}", alertstate="firing"{more}}}'


def narrowed(expression, matchers):
    """The expression with `matchers(metric)` added to every trailflow metric in it."""

    def add(found):
        return selector(found[1], ", ".join([*matchers(found[1]), *filter(None, [found[2]])]))

    return SELECTOR.sub(add, expression)
