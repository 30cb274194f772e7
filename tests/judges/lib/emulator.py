"""MiniStack, an emulator of AWS that nobody here wrote, on a free port of the loopback."""

import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from contextlib import contextmanager
from pathlib import Path

from apart import environment

START_SECONDS_MAX = 60


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def is_ready(port):
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/_ministack/ready", timeout=2) as answer:
            return answer.status == 200
    except OSError:
        return False


@contextmanager
def ministack(log=None, **settings):
    """Serves with these environment variables, and ends what it started."""
    port = free_port()
    with tempfile.TemporaryDirectory() as scratch, \
            open(log or Path(scratch) / "log", "w+", encoding="utf-8") as written:
        settings = {
            "GATEWAY_PORT": str(port), "BIND_HOST": "127.0.0.1",
            # Where functions find it.
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",
            "IOT_MTLS_ENABLED": "0", "LOG_LEVEL": "ERROR", "PERSIST_STATE": "0", "TMPDIR": scratch,
            **settings,
        }
        served = subprocess.Popen(
            [sys.executable, "-m", "ministack"], cwd=scratch, env=environment("ministack", **settings),
            stdin=subprocess.DEVNULL, stdout=written, stderr=written,
        )
        try:
            began = time.monotonic()
            while not is_ready(port):
                if served.poll() is not None or time.monotonic() - began > START_SECONDS_MAX:
                    written.seek(0)
                    raise RuntimeError(f"MiniStack has not started: {written.read()[-2000:]}")
                time.sleep(0.2)
            yield f"http://127.0.0.1:{port}"
        finally:
            served.terminate()
            try:
                served.wait(10)
            except subprocess.TimeoutExpired:
                served.kill()
                served.wait()
