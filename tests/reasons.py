"""The reasons that the code knows, read from its Rust source: `{(outcome, reason)}`.

What is read is the text of `as_str` of each enum of reasons, and the literals that stand where an
outcome is made. A source that no longer reads this way is an error, not an empty set.
"""

import pathlib
import re

SOURCE = pathlib.Path(__file__).resolve().parent.parent / "pipeline"

ENUMS = {
    ("decode/src", "Malformed"): "quarantined",
    ("decode/src/object", "Damage"): "quarantined",
    ("decode/src", "RejectReason"): "rejected",
    ("decode/src/notification", "UnreadableReason"): "unreadable",
}
"""Where each enum is, and the outcome that its variants are reasons of."""

ARM = re.compile(r"Self::(\w+)(?:\s*\{[^}]*\}|\([^)]*\))?\s*=>\s*\"(\w+)\"")
LITERALS = (
    (re.compile(r"Outcome::Quarantined\(\s*\"(\w+)\""), "quarantined"),
    (re.compile(r"Outcome::Ignored\(\s*\"(\w+)\""), "ignored"),
    (re.compile(r"\bunread\(\s*\"(\w+)\""), "ignored"),
    (re.compile(r"BatchError::\w+[^=;]*=>\s*Some\(\s*\"(\w+)\""), "quarantined"),
    (re.compile(r"POISON_DEATHS_MIN\)[\s\S]{0,200}?\(\"(\w+)\","), "quarantined"),
    (re.compile(r"\bset_aside\b[^;{}]{0,80}?\"(\w+)\""), "quarantined"),
)


def in_the_code():
    """Every reason of every outcome."""
    found = set()
    for (folder, enum), outcome in ENUMS.items():
        found |= {(outcome, reason) for reason in of_enum(folder, enum).values()}
    for path in sorted(SOURCE.glob("src/**/*.rs")):
        text = without_comments(path.read_text(encoding="utf-8"))
        for pattern, outcome in LITERALS:
            found |= {(outcome, reason) for reason in pattern.findall(text)}
    for outcome in ("ignored", "quarantined"):
        assert any(known == outcome for known, _ in found), f"no literal of an {outcome} object was found"
    return found


def of_enum(folder, enum):
    """`{variant: reason}` of one enum, every variant of it."""
    for path in sorted((SOURCE / folder).glob("**/*.rs")):
        text = without_comments(path.read_text(encoding="utf-8"))
        declared = re.search(rf"pub enum {enum} \{{(.*?)\n\}}", text, re.DOTALL)
        if declared:
            variants = set(re.findall(r"^    (\w+)(?: \{|\(|,)", declared[1], re.MULTILINE))
            return arms(path, text, enum, variants)
    raise AssertionError(f"there is no enum {enum} below {SOURCE / folder}")


def arms(path, text, enum, variants):
    """The arms of the enum's `as_str`."""
    for block in re.findall(rf"^impl {enum} \{{(.*?)\n\}}", text, re.DOTALL | re.MULTILINE):
        named = re.search(r"fn as_str\(.*?\n    \}", block, re.DOTALL)
        if named:
            reasons = dict(ARM.findall(named[0]))
            assert set(reasons) == variants, f"{path}: {enum}::as_str does not read as expected"
            return reasons
    raise AssertionError(f"{path}: {enum} has no as_str")


def without_comments(text):
    return re.sub(r"^\s*//.*$", "", text, flags=re.MULTILINE)
