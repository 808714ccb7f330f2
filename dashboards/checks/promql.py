"""Reads out of a PromQL expression which metrics and labels it names.

Not a parser: promtool and Prometheus parse. This finds the names that they accept although nothing
has them, because PromQL does not fail on a misspelt metric.
"""

import re

STRING = re.compile(r'"(?:[^"\\]|\\.)*"' + r"|'(?:[^'\\]|\\.)*'")
COMMENT = re.compile(r"#[^\n]*")
SELECTOR = re.compile(r"([A-Za-z_:][\w:]*)\s*\{([^}]*)\}")
LABEL_LIST = re.compile(r"\b(by|without|on|ignoring|group_left|group_right)\s*\(([^)]*)\)")
RANGE = re.compile(r"\[[^\]]*\]")
VARIABLE = re.compile(r"\$\{?\w+\}?")
# A name before `(`, `by` or `without` is a function or an aggregation.
NAME = re.compile(r"(?<![\w.])([A-Za-z_:][\w:]*)(\s*\(|\s+(?:by|without)\b)?")
KEYWORDS = {
    "and",
    "or",
    "unless",
    "offset",
    "bool",
    "by",
    "without",
    "on",
    "ignoring",
    "group_left",
    "group_right",
    "inf",
    "nan",
}
LEGEND_LABEL = re.compile(r"\{\{\s*(\w+)\s*\}\}")
TEMPLATE_LABEL = re.compile(r"\$labels\.(\w+)")


def without_text(expression):
    """The expression without strings, comments and Grafana's variables."""
    return VARIABLE.sub("", COMMENT.sub("", STRING.sub('""', expression)))


def metrics(expression):
    """Every metric that the expression names."""
    bare = re.sub(r"\{[^}]*\}", "", without_text(expression))
    bare = RANGE.sub("", LABEL_LIST.sub(lambda match: match[1], bare))
    return {name for name, call in NAME.findall(bare) if not call and name.lower() not in KEYWORDS}


def matched_labels(expression):
    """Pairs of metric and label, for every label matcher."""
    for metric, matchers in SELECTOR.findall(without_text(expression)):
        for label in re.findall(r"([A-Za-z_]\w*)\s*(?:=~|!~|!=|=)", matchers):
            yield metric, label


def listed_labels(expression, clauses):
    """The labels in `by (…)` and the like."""
    return {
        label.strip()
        for clause, labels in LABEL_LIST.findall(without_text(expression))
        if clause in clauses
        for label in labels.split(",")
        if label.strip()
    }


def variables(expression):
    """Grafana's variables in the expression."""
    return set(re.findall(r"\$\{?(\w+)\}?", expression))
