"""The events and variables of `infra/sam-local` are what `cargo lambda` can work with.

cargo-lambda serves the Runtime API as `cargo lambda watch` does, the bootstraps that `sam build`
made ask it for work, and `cargo lambda invoke` hands them their events. It builds nothing: that
`cargo lambda` builds the functions, `sam build` shows.
"""

import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "lib"))

from bootstraps import ROOT, TOOLS, bootstraps, build_bootstraps
from emulator import free_port
from events import EVENTS, ORDER, REPORT, is_good, short, variables
from processes import build, running
from verdict import Verdict

INVOKE_SECONDS_MAX = 15


def started(stack, command, env, log):
    """A process that ends with the stack."""
    process = subprocess.Popen(command, cwd=ROOT, env=env, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    stack.callback(process.wait)
    stack.callback(process.kill)
    return process


def wait_for(port):
    """Waits until somebody listens: a bootstrap that finds nobody ends."""
    end = time.monotonic() + INVOKE_SECONDS_MAX
    while time.monotonic() < end:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise RuntimeError("cargo lambda watch does not listen")


def invoke(name, port, file):
    """What `cargo lambda invoke` prints of an event."""
    command = [TOOLS / "cargo-lambda", "lambda", "invoke", name, "--invoke-address", "127.0.0.1",
               "--invoke-port", str(port), "--data-file", file]
    try:
        done = subprocess.run(command, cwd=ROOT, text=True, stdin=subprocess.DEVNULL, capture_output=True,
                              timeout=INVOKE_SECONDS_MAX)
        return json.loads(done.stdout), done.stdout
    except (subprocess.TimeoutExpired, ValueError) as error:
        return {}, error


def main():
    verdict = Verdict()
    is_built, told = build_bootstraps()
    verdict.check("the bootstraps are built", is_built, told[-4000:])
    built = {short(name): file for name, file in bootstraps().items()}
    if not is_built or built.keys() != set(ORDER):
        verdict.check("every function is there", False, built)
        verdict.end()
    binary, port = build(), free_port()
    account = {"TWILIO_ACCOUNT_SID": REPORT["AccountSid"], "TWILIO_AUTH_TOKEN": "secret"}
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        log = stack.enter_context(open(Path(folder) / "log", "wb"))
        ports = stack.enter_context(running(binary, ["aws", "--ddb-port", "0", "--sqs-port", "0"], {}))
        twilio = stack.enter_context(running(binary, ["twilio", "--port", "0"], account))
        started(stack, [TOOLS / "cargo-lambda", "lambda", "watch", "--only-lambda-apis", "--invoke-port", str(port)],
                os.environ, log)
        wait_for(port)
        for name in ORDER:
            env = {**variables(ports, twilio["listening"]), "AWS_LAMBDA_FUNCTION_NAME": name,
                   "AWS_LAMBDA_RUNTIME_API": f"http://127.0.0.1:{port}/.rt/{name}",
                   "AWS_LAMBDA_FUNCTION_VERSION": "1", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "512"}
            started(stack, [built[name]], env, log)
        for name in ORDER:
            answer, told = invoke(name, port, EVENTS / f"{name}.json")
            verdict.check(f"cargo lambda invoke {name} is answered", answer and is_good(name, answer), told)
        nonsense = Path(folder) / "nonsense.json"
        nonsense.write_text("{}", encoding="utf-8")
        answer, told = invoke("status", port, nonsense)
        verdict.check("an event that is none is seen to be refused", not (answer and is_good("status", answer)), told)
    verdict.end()


if __name__ == "__main__":
    main()
