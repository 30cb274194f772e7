"""Checkov's judgement of the template, which is installed apart and asked as a command."""

import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from apart import environment

CONFIG = Path(__file__).resolve().parents[1] / "checkov.yaml"
SECONDS_MAX = 300
# Each would let strangers in or data out, and the text that it replaces.
SLIPS = {
    "a bucket that takes public policies": ("BlockPublicPolicy: true", "BlockPublicPolicy: false", "CKV_AWS_54"),
    "a table without a way back": ("PointInTimeRecoveryEnabled: true", "PointInTimeRecoveryEnabled: false", "CKV_AWS_28"),
}


def checkov(file, *options):
    """How many checks passed, and which failed where."""
    command = [sys.executable, "-m", "checkov.main", "--file", file, "--config-file", CONFIG,
               "--output", "json", "--quiet", "--compact", *options]
    with tempfile.TemporaryDirectory() as home:
        # It asks nobody: without a key there is no platform, and no list of checks to fetch.
        env = environment("checkov", HOME=home, LOG_LEVEL="ERROR")
        done = subprocess.run(command, env=env, cwd=home, text=True, stdin=subprocess.DEVNULL,
                              capture_output=True, timeout=SECONDS_MAX)
    try:
        told = json.loads(done.stdout)
        failed = [(it["check_id"], it["resource"]) for it in told["results"]["failed_checks"]]
        return told["summary"]["passed"], failed
    except (ValueError, KeyError, TypeError):
        return 0, [(done.stdout + done.stderr)[-2000:]]


def judge_hardening(verdict, template):
    """Nothing that checkov knows is wrong, but for what its configuration gives a reason to skip."""
    passed, failed = checkov(template)
    verdict.check(f"checkov finds nothing wrong: {passed} checks passed", passed > 20 and not failed, failed)
    lines = CONFIG.read_text(encoding="utf-8").splitlines()
    skips = [at for at, line in enumerate(lines) if re.match(r"\s+- CKV", line)]
    verdict.check("every check that is skipped has its reason before it",
                  skips and all(lines[at - 1].lstrip().startswith("#") for at in skips))
    text = template.read_text(encoding="utf-8")
    with tempfile.TemporaryDirectory() as folder:
        for number, (slip, (right, wrong, check)) in enumerate(SLIPS.items()):
            file = Path(folder) / f"{number}.yaml"
            file.write_text(text.replace(right, wrong), encoding="utf-8")
            _, failed = checkov(file)
            verdict.check(f"checkov notices {slip}", right in text and check in {it[0] for it in failed}, failed)
        bare = Path(folder) / "bare.yaml"
        bare.write_text("framework: [cloudformation]\n", encoding="utf-8")
        _, failed = checkov(template, "--config-file", bare)
        needless = {lines[at].split()[-1] for at in skips} - {it[0] for it in failed}
        verdict.check("no check is skipped that would pass", not needless, needless)
