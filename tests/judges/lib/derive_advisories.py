"""Condenses RustSec's advisories: derive_advisories.py FOLDER > tests/judges/advisories.json

FOLDER is a checkout of https://github.com/rustsec/advisory-db. What is kept of an advisory is
what it takes to tell whether a version is affected, one line for each package, so that a
change can be read. Advisories that were withdrawn are left out.
"""

import json
import re
import sys
import tomllib
from pathlib import Path

HEAD = re.compile(r"```toml\n(.*?)\n```", re.S)


def advisories(folder):
    """Each advisory's package, day and entry."""
    for file in sorted(folder.glob("crates/*/*.md")):
        head = HEAD.match(file.read_text(encoding="utf-8"))
        if head is None:
            sys.exit(f"{file} has no head")
        told = tomllib.loads(head[1])
        advisory, versions = told["advisory"], told.get("versions", {})
        if "withdrawn" in advisory:
            continue
        entry = [advisory["id"], advisory.get("informational", "vulnerability"),
                 versions.get("patched", []), versions.get("unaffected", [])]
        yield advisory["package"], str(advisory["date"]), entry


def main():
    of_packages, newest = {}, ""
    for package, day, entry in advisories(Path(sys.argv[1])):
        of_packages.setdefault(package, []).append(entry)
        newest = max(newest, day)
    if not of_packages:
        sys.exit("there are no advisories")
    print('{\n"source": "https://github.com/rustsec/advisory-db",')
    print('"licence": "CC0-1.0; what came from GitHub: CC-BY-4.0",')
    print(f'"newest": "{newest}",\n"advisories": {{')
    print(",\n".join(f"{json.dumps(package)}: {json.dumps(entries)}"
                     for package, entries in sorted(of_packages.items())))
    print("}\n}")


main()
