"""Tells which known advisories a version is affected by, as RustSec means it.

A version is affected unless one of the ranges says that it is patched, or never was:
https://github.com/rustsec/advisory-db#advisory-format
"""

import json
import re
from dataclasses import dataclass

COMPARISON = re.compile(r"(>=|<=|>|<|=|\^)?\s*(\d+)(?:\.(\d+))?(?:\.(\d+))?(?:-([0-9A-Za-z.-]+))?(?:\+\S+)?")


@dataclass(frozen=True)
class Advisory:
    """What is wrong with some versions of a package."""

    id: str
    kind: str
    patched: list
    unaffected: list

    def affects(self, version):
        parsed = ordered(*parts(version)[1:])
        # A list, so that a range that cannot be read is noticed at once.
        return not any([is_in(parsed, span) for span in self.patched + self.unaffected])


def read(file):
    """The day of the newest advisory, and the advisories of each package."""
    told = json.loads(file.read_text(encoding="utf-8"))
    of_packages = {package: [Advisory(*entry) for entry in entries]
                   for package, entries in told["advisories"].items()}
    return told["newest"], of_packages


def is_in(version, span):
    return all([meets(version, comparison.strip()) for comparison in span.split(",")])


def meets(version, comparison):
    operator, *rest = parts(comparison)
    bound = ordered(*rest)
    match operator:
        case ">=":
            return version >= bound
        case "<":
            return version < bound
        case "^" | None:
            return bound <= version < after_caret(*rest)
    if None in rest[:3]:
        # `<= 1.2` would mean all of 1.2: nobody writes that, so nothing here reads it.
        raise ValueError(f"{comparison} is not whole")
    match operator:
        case ">":
            return version > bound
        case "<=":
            return version <= bound
        case "=":
            return version == bound


def parts(text):
    found = COMPARISON.fullmatch(text)
    if found is None:
        raise ValueError(f"{text} is no comparison")
    operator, *numbers, pre = found.groups()
    return [operator, *(None if number is None else int(number) for number in numbers), pre]


def ordered(major, minor, patch, pre):
    """Sorts as versions do: one before its release comes before it, numbers before words."""
    words = pre.split(".") if pre else []
    names = tuple((0, int(word), "") if word.isdigit() else (1, 0, word) for word in words)
    return (major, minor or 0, patch or 0, (0, names) if pre else (1, ()))


def after_caret(major, minor, patch, _):
    """The first version that may break who asked for this one."""
    if major > 0 or minor is None:
        return ordered(major + 1, 0, 0, "0")
    if minor > 0 or patch is None:
        return ordered(0, minor + 1, 0, "0")
    return ordered(0, 0, patch + 1, "0")
