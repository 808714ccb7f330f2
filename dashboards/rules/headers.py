"""Reads the headers of the signals in sql/**/*.sql.

A signal file starts with a TOML header in `-- ` comments between two `-- ---` fences.
In: a folder. Out: each header as a dictionary. Standard library only.
"""

import tomllib

FENCE = "-- ---"


class HeaderError(Exception):
    """A header that cannot be used, with what to do about it."""


def read_header(path):
    """The TOML header of one signal file, as a dictionary."""
    lines = path.read_text(encoding="utf-8").splitlines()
    fences = [number for number, line in enumerate(lines) if line.rstrip() == FENCE]
    if len(fences) < 2:
        raise HeaderError(f"{path}:1: no header. Fix: put it between two `{FENCE}` lines.")
    header = []
    for number in range(fences[0] + 1, fences[1]):
        line = lines[number]
        if not line.startswith("--"):
            raise HeaderError(f"{path}:{number + 1}: not a comment. Fix: start the line with `-- `.")
        header.append(line[2:].removeprefix(" "))
    try:
        return tomllib.loads("\n".join(header))
    except tomllib.TOMLDecodeError as error:
        raise HeaderError(f"{path}:{fences[0] + 1}: header is not TOML: {error}.") from error


def read_signals(directory):
    """Header by path, for every signal under `directory`, in order of path."""
    paths = sorted(directory.glob("**/*.sql"))
    if not paths:
        raise HeaderError(f"{directory}: no .sql file. Fix: pass the folder of the signals as --sql.")
    return {path: read_header(path) for path in paths}


def tables(header, key):
    """`[key]` and `[[key]]` alike, as a list."""
    value = header.get(key, [])
    return value if isinstance(value, list) else [value]
