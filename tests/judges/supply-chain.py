"""What we build upon may be used, comes from where it should, and has no open advisory.

`cargo-deny` judges licences, bans, duplicates and sources by `deny.toml`. Advisories come
from `advisories.json`, which `lib/derive_advisories.py` condenses from RustSec's, so this
needs no network once cargo-deny is installed. Both have to notice what is planted.
"""

import json
import os
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "lib"))

import advisories
from verdict import Verdict

ROOT = Path(__file__).resolve().parents[2]
MANIFESTS = [ROOT / "Cargo.toml", ROOT / "tests/fuzz/Cargo.toml"]
POLICY = ROOT / "deny.toml"
KNOWN = ROOT / "tests/judges/advisories.json"
# An empty or cut file would find nothing.
KNOWN_MIN = 1_000

DENY_VERSION = "0.20.2"
DENY_HOME = ROOT / f"target/judges/cargo-deny-{DENY_VERSION}"
DENY = DENY_HOME / "bin/cargo-deny"
# A tool that runs for two seconds: what counts is how soon it is there.
DENY_BUILD = {"CARGO_PROFILE_RELEASE_LTO": "off", "CARGO_PROFILE_RELEASE_OPT_LEVEL": "0",
              "CARGO_PROFILE_RELEASE_CODEGEN_UNITS": "16"}

# Each makes the policy stricter than what we build upon, and what then has to be said.
STRICTER = {
    "a licence that is not allowed": ('"ISC", ', "", "licenses FAILED"),
    "a package that is banned": ('deny = [', 'deny = [{ crate = "serde" },', "bans FAILED"),
    "a duplicate without a reason": ('{ crate = "base64@0.22"', '{ crate = "base64@0.1"', "bans FAILED"),
    "a reason that has gone": ("skip = [", 'skip = [{ crate = "serde@0.9", reason = "none" },', "bans FAILED"),
    "a registry that is not ours": ('allow-registry = ["https://github.com/rust-lang/crates.io-index"]',
                                    "allow-registry = []", "sources FAILED"),
}
# Each with a kind of range of its own.
JUDGED = [
    ("tokio", "1.43.0", {"RUSTSEC-2025-0023"}), ("tokio", "1.43.1", set()),
    ("tokio", "1.44.1", {"RUSTSEC-2025-0023"}),
    ("smallvec", "0.5.0", {"RUSTSEC-2018-0003", "RUSTSEC-2018-0018"}),
    ("smallvec", "0.5.1", {"RUSTSEC-2018-0018"}), ("smallvec", "1.6.1", set()),
    ("aws-sigv4", "0.54.1", {"RUSTSEC-2023-0125"}), ("aws-sigv4", "0.54.2", set()),
    ("aws-sigv4", "1.0.0", set()),
    ("time", "0.2.6", set()), ("time", "0.2.7", {"RUSTSEC-2020-0071"}),
    ("axum-core", "0.3.0-rc.1", {"RUSTSEC-2022-0055"}), ("axum-core", "0.3.0-rc.2", set()),
    ("atomic-polyfill", "99.0.0", {"RUSTSEC-2023-0089"}),
]


def install():
    if not DENY.exists():
        command = ["cargo", "install", "--locked", "--quiet", "--version", f"={DENY_VERSION}",
                   "--root", DENY_HOME, "cargo-deny"]
        # Its intermediate files go when it is done.
        with tempfile.TemporaryDirectory() as built:
            subprocess.run(command, env=os.environ | DENY_BUILD | {"CARGO_TARGET_DIR": built}, cwd="/",
                           stdin=subprocess.DEVNULL, check=False)
    return DENY.exists()


def deny(manifest, policy, *more):
    """What cargo-deny says of a workspace; its last line sums up."""
    command = [DENY, "--locked", "--color", "never", "--manifest-path", manifest, "--config", policy,
               "check", "--hide-inclusion-graph", *more, "licenses", "bans", "sources"]
    done = subprocess.run(command, cwd=ROOT, stdin=subprocess.DEVNULL, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    return done.returncode == 0 and "bans ok, licenses ok, sources ok" in done.stdout, done.stdout


def judge_policy(verdict):
    # What the fuzzers lack of our duplicates is no reason to drop the others' reasons.
    for manifest, more in zip(MANIFESTS, [("-D", "unmatched-skip"), ("-A", "unmatched-skip")]):
        is_content, said = deny(manifest, POLICY, *more)
        verdict.check(f"{manifest.relative_to(ROOT)} keeps to deny.toml", is_content, said)
    text = POLICY.read_text(encoding="utf-8")
    for planted, (from_, to, word) in STRICTER.items():
        if from_ not in text:
            verdict.check(f"deny.toml has something to make stricter: {from_}", False)
            continue
        with tempfile.TemporaryDirectory() as folder:
            policy = Path(folder) / "deny.toml"
            policy.write_text(text.replace(from_, to), encoding="utf-8")
            is_content, said = deny(MANIFESTS[0], policy, "-D", "unmatched-skip")
        verdict.check(f"{planted} is noticed", not is_content and word in said, said[-2000:])


def locked(lock):
    for package in tomllib.loads(lock)["package"]:
        if "source" in package:
            yield package["name"], package["version"]


def built(manifest):
    """What is really built, for any of the targets that deny.toml names, and what was wrong."""
    targets = tomllib.loads(POLICY.read_text(encoding="utf-8"))["graph"]["targets"]
    names = set()
    for target in targets:
        command = ["cargo", "metadata", "--format-version", "1", "--locked", "--filter-platform", target,
                   "--manifest-path", manifest]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            return names, done.stderr
        told = json.loads(done.stdout)
        nodes = {node["id"] for node in told["resolve"]["nodes"]}
        names |= {(it["name"], it["version"]) for it in told["packages"] if it["id"] in nodes}
    return names, None


def affected(known, packages):
    return {(advisory.id, advisory.kind, name, version) for name, version in packages
            for advisory in known.get(name, []) if advisory.affects(version)}


def judge_advisories(verdict):
    newest, known = advisories.read(KNOWN)
    # Whether or not the version is in them, all ranges are read.
    count = sum(it.affects("0.0.0-0") is not None for entries in known.values() for it in entries)
    verdict.check(f"{count} advisories are known, {KNOWN_MIN} or more, the newest of {newest}",
                  count >= KNOWN_MIN)
    # Later ones may have come.
    judged = {id for *_, expected in JUDGED for id in expected}
    for name, version, expected in JUDGED:
        found = judged & {id for id, *_ in affected(known, [(name, version)])}
        verdict.check(f"{name} {version} has {', '.join(sorted(expected)) or 'none of these'}",
                      found == expected, found)
    for manifest in MANIFESTS:
        lock = manifest.with_name("Cargo.lock").read_text(encoding="utf-8")
        packages = set(locked(lock))
        where = manifest.with_name("Cargo.lock").relative_to(ROOT)
        found = affected(known, packages)
        in_builds, problem = built(manifest)
        verdict.check(f"{where} is as its manifests want it", problem is None, problem)
        for id, kind, name, version in sorted(found):
            verdict.check(f"{where}: {name} {version}, {kind} by {id}, is in no build for our targets",
                          problem is None and (name, version) not in in_builds)
        verdict.check(f"{where}: {len(packages)} packages have no other advisory", len(packages) > 100)
        planted = lock.replace('name = "rustls-webpki"\nversion = "0.', 'name = "rustls-webpki"\nversion = "0.100.0-beta.')
        later = affected(known, locked(planted)) - found
        verdict.check(f"{where}: an old rustls-webpki in it is noticed",
                      any(name == "rustls-webpki" for *_, name, _ in later), later)


def main():
    verdict = Verdict()
    judge_advisories(verdict)
    is_there = install()
    verdict.check(f"cargo-deny {DENY_VERSION} is there", is_there)
    if is_there:
        judge_policy(verdict)
    verdict.end()


main()
