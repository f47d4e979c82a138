"""Runs the checks one after another, shows their output as it comes, and counts what the test programs themselves report.

    .venv/bin/python infra/local/stages.py all      everything (`make test`)
    .venv/bin/python infra/local/stages.py quick    format, lints, unit tests of lib/*, the template, the documents (`make check`)

A stage that fails does not hide what the later ones have to say: all run, and the end lists which failed.
"""

import os
import re
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LOCAL = Path(__file__).resolve().parent
CLIENTS = ROOT / "infra" / "sandbox" / "official-clients"
VENV = Path(sys.executable).parent
# What the flows saw of the API, for test_api_seen.
API_SEEN = ROOT / "target" / "api-seen.txt"

CARGO_RESULT = re.compile(r"^test result: \w+\. (\d+) passed; (\d+) failed; (\d+) ignored;")
UNITTEST_RAN = re.compile(r"^Ran (\d+) tests? in ")
UNITTEST_END = re.compile(r"^(?:OK|FAILED)(?: \((.*)\))?$")
NODE_RESULT = re.compile(r"^ℹ (pass|fail|cancelled|skipped|todo) (\d+)$")


@dataclass
class Stage:
    name: str
    command: list[str]
    cwd: Path = ROOT
    seconds: float = 0
    status: int = 0
    passed: int = 0
    failed: int = 0
    skipped: int = 0
    _ran: int = field(default=0, repr=False)

    def run(self) -> None:
        print(f"\n==== {self.name}: {' '.join(self.command)}", flush=True)
        began = time.monotonic()
        env = {**os.environ, "CARGO_TERM_COLOR": "never", "PYTHONUNBUFFERED": "1", "API_SEEN": str(API_SEEN)}
        with subprocess.Popen(self.command, cwd=self.cwd, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace") as process:
            for line in process.stdout:
                print(line, end="", flush=True)
                self.count(line.rstrip())
        self.status = process.returncode
        self.seconds = time.monotonic() - began

    def count(self, line: str) -> None:
        if found := CARGO_RESULT.match(line):
            self.passed += int(found[1])
            self.failed += int(found[2])
            self.skipped += int(found[3])
        elif found := NODE_RESULT.match(line):
            self.passed += int(found[2]) if found[1] == "pass" else 0
            self.failed += int(found[2]) if found[1] in ("fail", "cancelled") else 0
            self.skipped += int(found[2]) if found[1] in ("skipped", "todo") else 0
        elif found := UNITTEST_RAN.match(line):
            self._ran = int(found[1])
        elif self._ran and (found := UNITTEST_END.match(line)):
            numbers = {key: int(value) for key, value in re.findall(r"([a-z ]+)=(\d+)", found[1] or "")}
            bad = sum(number for key, number in numbers.items() if key in ("failures", "errors"))
            skipped = numbers.get("skipped", 0)
            self.passed += max(self._ran - bad - skipped, 0)
            self.failed += bad
            self.skipped += skipped
            self._ran = 0


def python_tests(name: str, module: str) -> Stage:
    return Stage(name, [sys.executable, "-m", "unittest", "-v", module], cwd=LOCAL)


def stages(which: str) -> list[Stage]:
    first = [
        Stage("format", ["cargo", "fmt", "--all", "--check"]),
        Stage("template lint", [str(VENV / "cfn-lint"), str(ROOT / "template.yaml")]),
        python_tests("template", "test_template"),
        python_tests("documents", "test_documents"),
        python_tests("contract", "test_contract"),
        Stage("lints", ["cargo", "clippy", "--workspace", "--all-targets", "--locked", "--", "-D", "warnings"]),
    ]
    if which == "quick":
        packages = [word for folder in sorted((ROOT / "lib").iterdir()) for word in ("--package", folder.name)]
        return [*first, Stage("unit tests", ["cargo", "test", "--lib", "--locked", "--no-fail-fast", *packages])]
    clients = [Stage("official clients", ["npm", "ci", "--no-audit", "--no-fund"], cwd=CLIENTS)] if (CLIENTS / "package-lock.json").exists() else []
    return [
        *first,
        *clients,
        Stage("tests", ["cargo", "test", "--workspace", "--locked", "--no-fail-fast"]),
        python_tests("api seen", "test_api_seen"),
        # --tests: with the same crate features as the stage before, so nothing is compiled twice.
        Stage("build", ["cargo", "build", "--workspace", "--bins", "--tests", "--locked"]),
        python_tests("end to end", "test_end_to_end"),
        Stage("browser", [sys.executable, str(LOCAL / "browser.py"), "test"]),
    ]


def missing_tools(chosen: list[Stage]) -> list[str]:
    hints = {"cargo": "install Rust from https://rustup.rs", "npm": "apt-get install nodejs npm"}
    needed = sorted({stage.command[0] for stage in chosen} & hints.keys())
    return [f"{tool} is missing: {hints[tool]}" for tool in needed if not shutil.which(tool)]


def main() -> int:
    which = sys.argv[1] if len(sys.argv) == 2 else ""
    if which not in ("all", "quick"):
        print(__doc__, file=sys.stderr)
        return 2
    chosen = stages(which)
    if lacking := missing_tools(chosen):
        print("\n".join(lacking), file=sys.stderr)
        return 1
    API_SEEN.unlink(missing_ok=True)
    for stage in chosen:
        stage.run()
    return summary(chosen)


def summary(chosen: list[Stage]) -> int:
    print("\n==== summary")
    for stage in chosen:
        verdict = "ok" if stage.status == 0 else f"FAILED (status {stage.status})"
        tests = f"{stage.passed} passed, {stage.failed} failed" if stage.passed + stage.failed else ""
        print(f"{stage.name:18} {stage.seconds:8.1f} s  {verdict:20} {tests}")
    broken = [stage.name for stage in chosen if stage.status != 0]
    passed, failed, skipped = (sum(getattr(stage, key) for stage in chosen) for key in ("passed", "failed", "skipped"))
    # A stage that failed without naming a test (a lint, a build) counts as one.
    failed += sum(1 for stage in chosen if stage.status != 0 and stage.failed == 0)
    print(f"{'all':18} {sum(stage.seconds for stage in chosen):8.1f} s")
    if skipped:
        print(f"{skipped} skipped")
    if broken:
        print(f"stages that failed: {', '.join(broken)}")
    print(f"{passed} passed, {failed} failed")
    return 1 if broken or failed else 0


if __name__ == "__main__":
    sys.exit(main())
