"""Builds every function of template.yaml for AWS (arm64, release profile) and packs it. `make package` calls it.

`target/lambda/<function>/bootstrap` is what `sam deploy` takes; `target/package/<function>.zip` is the same, packed as Lambda stores it.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import deploy
from processes import Trouble

ROOT = Path(__file__).resolve().parents[2]
RUST_TARGET = "aarch64-unknown-linux-gnu"
# What a cold start has to fetch and unpack.
ZIP_BUDGET_BYTES = 3 * 1024 * 1024


def build(functions: list[str]) -> None:
    if not shutil.which("cargo"):
        raise Trouble("cargo is missing: install Rust from https://rustup.rs, then open a new shell")
    if shutil.which("rustup"):
        run(["rustup", "target", "add", RUST_TARGET], "could not add the Rust target for arm64")
    program = Path(sys.executable).with_name("cargo-lambda")
    chosen = [word for name in functions for word in ("--package", name)]
    run([str(program), "lambda", "build", "--release", "--arm64", *chosen], "the release build failed; the compiler's messages are above")


def run(command: list[str], failure: str) -> None:
    # cargo-lambda looks for its linker, zig, beside the Python that is first on the path.
    env = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    if subprocess.run(command, cwd=ROOT, env=env).returncode != 0:
        raise Trouble(failure)


def main() -> int:
    functions = deploy.functions_of((ROOT / "template.yaml").read_text())
    try:
        build(functions)
        binaries = {name: ROOT / "target" / "lambda" / name / "bootstrap" for name in functions}
        zips = deploy.zip_functions(binaries, ROOT / "target" / "package", level=9)
    except Trouble as trouble:
        print(f"\nerror: {trouble}", file=sys.stderr)
        return 1
    print(f"\n{'function':24} {'binary':>9} {'zip':>9}")
    for name in functions:
        size = zips[name].stat().st_size
        over = "  over the budget of 3 MB" if size > ZIP_BUDGET_BYTES else ""
        print(f"{name:24} {megabytes(binaries[name].stat().st_size):>9} {megabytes(size):>9}{over}")
    return 0


def megabytes(size: int) -> str:
    return f"{size / 1024 / 1024:.2f} MB"


if __name__ == "__main__":
    sys.exit(main())
