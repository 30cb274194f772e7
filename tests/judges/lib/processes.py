"""Builds our program, and runs it in processes that are ended by their own handles."""

import json
import os
import subprocess
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]


def build():
    """Builds the release binary, and returns where it is."""
    command = ["cargo", "build", "--release", "--locked", "--bin", "ringfence",
               "--message-format", "json-render-diagnostics"]
    done = subprocess.run(command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          text=True, check=True)
    messages = [json.loads(line) for line in done.stdout.splitlines()]
    return next(it["executable"] for it in messages if it.get("executable"))


class Process:
    """A `ringfence` that is ended by its own handle."""

    def __init__(self, binary, arguments, env, log):
        clean = {name: value for name, value in os.environ.items()
                 if not name.startswith("TWILIO_") and name not in ("PUBLIC_HOST", "SETTLE_SECONDS")}
        self.process = subprocess.Popen([binary, *arguments], env={**clean, "LOG_LEVEL": "error", **env},
                                        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log)

    def line(self):
        """Its first line. A process that ends without one has failed."""
        text = self.process.stdout.readline()
        if not text:
            raise RuntimeError(f"ended with status {self.process.wait()} before it listened")
        return json.loads(text)

    def kill(self):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()


@contextmanager
def running(binary, arguments, env, log=None):
    """Runs a `ringfence` as long as it is needed; what it says first."""
    process = Process(binary, arguments, env, log)
    try:
        yield process.line()
    finally:
        process.kill()
