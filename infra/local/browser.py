"""The portal in a real browser: Debian's Chromium, driven by tests/browser, against a stack of its own (free ports, state in .local/browser).

    .venv/bin/python infra/local/browser.py test [FILE ...]    the tests, policies enforced; needs built binaries (`make test` builds them)
    .venv/bin/python infra/local/browser.py lighthouse         Lighthouse's mobile scores (`make lighthouse`)
    .venv/bin/python infra/local/browser.py screenshots        the README's picture (`make screenshots`)

With --demo FILE they use the running stack that wrote this demo.json. Screenshots of all pages, and what failed tests saw, stay in .local/browser.
The tests call three more commands, which do what time, an admin or a message would: `expire-sessions`, `set-secret`, `pay-page`.
"""

import argparse
import base64
import fcntl
import hashlib
import json
import os
import re
import secrets as randomness
import shutil
import subprocess
import sys
import time
from pathlib import Path

import deploy
import stack
from processes import Trouble

STATE = stack.ROOT / ".local" / "browser"
TESTS = stack.ROOT / "tests" / "browser"
CHROMIUM = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"]
OLDEST_NODE = 20
RESULT = re.compile(r"^ℹ (pass|fail|cancelled|skipped|todo) (\d+)$")
LONG_AGO = {"N": "1577836800"}, {"S": "2020-01-01T00:00:00Z"}


def chromium() -> str:
    """Where it is, after installing it if that is possible here."""
    if named := os.environ.get("CHROMIUM"):
        if not shutil.which(named):
            raise Trouble(f"CHROMIUM={named} is not a program")
        return named
    if found := next((path for path in CHROMIUM if Path(path).exists()), None):
        return found
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        raise Trouble("Chromium is missing: apt-get install chromium, or name a Chromium in the variable CHROMIUM")
    print("- installing Chromium ...", flush=True)
    env = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for words in (["update", "-qq"], ["install", "-y", "-qq", "--no-install-recommends", "chromium"]):
        if subprocess.run(["apt-get", *words], env=env, stdin=subprocess.DEVNULL).returncode != 0:
            raise Trouble(f"`apt-get {' '.join(words)}` failed: install Chromium by hand, or name one in the variable CHROMIUM")
    return chromium()


def install(everything: bool) -> None:
    """The npm packages: what tests need, or Lighthouse too."""
    for program in ("node", "npm"):
        if not shutil.which(program):
            raise Trouble(f"{program} is missing: apt-get install nodejs npm (Node.js {OLDEST_NODE} or newer)")
    version = subprocess.run(["node", "--version"], capture_output=True, text=True, check=True).stdout.strip()
    if int(version.lstrip("v").split(".")[0]) < OLDEST_NODE:
        raise Trouble(f"Node.js {OLDEST_NODE} or newer is needed; this is {version}")
    command = ["npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts", *([] if everything else ["--omit=dev"])]
    if subprocess.run(command, cwd=TESTS, stdin=subprocess.DEVNULL).returncode != 0:
        raise Trouble("`npm ci` in tests/browser failed; its messages are above")


def alone():
    """A lock on packages and state of this checkout, held until the process ends."""
    STATE.mkdir(parents=True, exist_ok=True)
    lock = (STATE / "lock").open("w")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise Trouble("another run of browser.py uses tests/browser/node_modules and .local/browser: wait for its end") from None
    return lock


def environment(demo_file: Path, browser: str) -> dict[str, str]:
    return {
        **os.environ,
        "LUNAS_DEMO": str(demo_file),
        "LUNAS_BIN": str(stack.ROOT / "target" / "debug" / "lunas"),
        "PYTHON": sys.executable,
        "CHROMIUM": browser,
    }


def with_stack(arguments: argparse.Namespace, build: bool, use) -> int:
    """Calls `use` with the path of a demo.json: the one that was named, or of a stack that lives as long as that."""
    if arguments.demo:
        return use(arguments.demo.resolve())
    try:
        stack.up(stack.Settings(state=STATE, aws_port=0, wanted_api_port=0, build=build, enforce_policies=True))
        return use(STATE / "demo.json")
    finally:
        stack.down(STATE, quiet=True)


def test(arguments: argparse.Namespace) -> int:
    def run(demo_file: Path) -> int:
        # One file after the other: faults that a test orders at the gateways would hit another's requests.
        command = ["node", "--test", "--test-concurrency=1", "--test-reporter=spec", *arguments.files]
        counted: dict[str, int] = {}
        with subprocess.Popen(
            command, cwd=TESTS, env=environment(demo_file, browser), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, errors="replace"
        ) as process:
            for line in process.stdout:
                print(line, end="", flush=True)
                if found := RESULT.match(line.rstrip()):
                    counted[found[1]] = int(found[2])
        troubles = [f"node --test ended with status {process.returncode}"] if process.returncode else []
        if not counted.get("pass"):
            troubles.append("no test passed")
        troubles += [f"{counted[kind]} {kind}" for kind in ("skipped", "todo") if counted.get(kind)]
        troubles += complaints_of_functions(json.loads(demo_file.read_text()))
        for trouble in troubles:
            print(f"browser: {trouble}", flush=True)
        return 1 if troubles else 0

    with alone():
        browser = chromium()
        install(everything=False)
        for folder in ("failures", "screenshots"):
            shutil.rmtree(STATE / folder, ignore_errors=True)
        return with_stack(arguments, build=False, use=run)


def complaints_of_functions(demo: dict) -> list[str]:
    """Lines of the functions' logs that no test may cause."""
    described = deploy.client("cloudformation", demo["aws"]).describe_stacks(StackName=demo["stack"])["Stacks"][0]
    group = next(output["OutputValue"] for output in described["Outputs"] if output["OutputKey"] == "LogGroup")
    pages = deploy.client("logs", demo["aws"]).get_paginator("filter_log_events").paginate(logGroupName=group)
    lines = [event["message"] for page in pages for event in page["events"]]
    return [f"a function's log says: {line.strip()}" for line in lines if re.search(r"not authorized|AccessDenied|panicked", line)]


def node_script(script: str, everything: bool):
    def run(arguments: argparse.Namespace) -> int:
        with alone():
            browser = chromium()
            install(everything)

            def use(demo_file: Path) -> int:
                return subprocess.run(["node", script], cwd=TESTS, env=environment(demo_file, browser), stdin=subprocess.DEVNULL).returncode

            return with_stack(arguments, build=True, use=use)

    return run


def expire_sessions(arguments: argparse.Namespace) -> int:
    demo = json.loads(arguments.demo.read_text())
    table = deploy.client("dynamodb", demo["aws"])
    found = table.query(
        TableName=demo["table"],
        KeyConditionExpression="PK = :customer AND begins_with(SK, :session)",
        ExpressionAttributeValues={":customer": {"S": f"CUSTOMER#{arguments.customer}"}, ":session": {"S": "SESSION#"}},
        ConsistentRead=True,
    )["Items"]
    for item in found:
        number, text = LONG_AGO
        table.put_item(TableName=demo["table"], Item={**item, "expires_at": number if "N" in item["expires_at"] else text})
    return 0 if found else 1


def pay_page(arguments: argparse.Namespace) -> int:
    """Lets a new link open an invoice's public page, and prints its path. Any token will do: what counts is that its hash is stored."""
    demo = json.loads(arguments.demo.read_text())
    token = base64.urlsafe_b64encode(randomness.token_bytes(18)).decode()
    item = {"PK": f"PAY#{hashlib.sha256(token.encode()).hexdigest()}", "SK": "PAY", "customer_id": arguments.customer, "invoice_id": arguments.invoice}
    deploy.client("dynamodb", demo["aws"]).put_item(TableName=demo["table"], Item={name: {"S": value} for name, value in item.items()})
    print(json.dumps({"path": f"/p/{token}"}))
    return 0


def set_secret(arguments: argparse.Namespace) -> int:
    """Writes one row, prints what stood there, and has functions read it at once: secrets are cached for minutes."""
    demo = json.loads(arguments.demo.read_text())
    secrets = deploy.client("secretsmanager", demo["aws"])
    name = f"lunas/{stack.STAGE}/{arguments.secret}"
    rows = json.loads(secrets.get_secret_value(SecretId=name)["SecretString"])
    secrets.put_secret_value(SecretId=name, SecretString=json.dumps({**rows, arguments.row: arguments.value}))
    cloudformation, functions = deploy.client("cloudformation", demo["aws"]), deploy.client("lambda", demo["aws"])
    for logical_id in arguments.functions:
        detail = cloudformation.describe_stack_resource(StackName=demo["stack"], LogicalResourceId=logical_id)["StackResourceDetail"]
        function = detail["PhysicalResourceId"]
        variables = functions.get_function_configuration(FunctionName=function)["Environment"]["Variables"]
        # A function whose environment changes starts new processes.
        functions.update_function_configuration(FunctionName=function, Environment={"Variables": {**variables, "RESTARTED": str(time.time())}})
    print(json.dumps({"before": rows.get(arguments.row, "")}))
    return 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    on_a_stack = argparse.ArgumentParser(add_help=False)
    on_a_stack.add_argument("--demo", type=Path, help="demo.json of a running stack")
    on_this_stack = argparse.ArgumentParser(add_help=False)
    on_this_stack.add_argument("--demo", type=Path, required=True, help="demo.json of the running stack")

    tests = commands.add_parser("test", parents=[on_a_stack])
    tests.add_argument("files", nargs="*", help="files of tests/browser (default: all)")
    tests.set_defaults(run=test)
    commands.add_parser("lighthouse", parents=[on_a_stack]).set_defaults(run=node_script("scores.mjs", everything=True))
    commands.add_parser("screenshots", parents=[on_a_stack]).set_defaults(run=node_script("picture.mjs", everything=False))
    sessions = commands.add_parser("expire-sessions", parents=[on_this_stack])
    sessions.add_argument("customer")
    sessions.set_defaults(run=expire_sessions)
    page = commands.add_parser("pay-page", parents=[on_this_stack])
    page.add_argument("customer")
    page.add_argument("invoice")
    page.set_defaults(run=pay_page)
    secret = commands.add_parser("set-secret", parents=[on_this_stack])
    secret.add_argument("secret")
    secret.add_argument("row")
    secret.add_argument("value")
    secret.add_argument("functions", nargs="*", help="logical ids of functions that read it")
    secret.set_defaults(run=set_secret)
    arguments = parser.parse_args()
    try:
        return arguments.run(arguments)
    except Trouble as trouble:
        print(f"\nerror: {trouble}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
