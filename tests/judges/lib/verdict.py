"""Counts what a judge has checked, and ends it with its verdict."""

import sys


class Verdict:
    """One line for each check, and the sums at the end."""

    def __init__(self):
        self.passed = 0
        self.failed = 0

    def check(self, claim, holds, detail=""):
        """Prints a claim, and whether it holds; what speaks against it if not."""
        if holds:
            self.passed += 1
            print(f"ok: {claim}", flush=True)
        else:
            self.failed += 1
            print(f"failed: {claim}", flush=True)
            if detail:
                print(str(detail).rstrip(), flush=True)

    def end(self):
        """Prints the sums and ends the process. A judge that checked nothing has failed."""
        print(f"{self.passed} passed, {self.failed} failed", flush=True)
        sys.exit(0 if self.failed == 0 and self.passed > 0 else 1)
