"""Lunas on one machine: ministack with the real template.yaml, the partners' stand-ins and demo data. `make demo` calls it.

    .venv/bin/python infra/local/stack.py up                    the demo, state in .local
    .venv/bin/python infra/local/stack.py up --state DIR --port 0 --api-port 0
    .venv/bin/python infra/local/stack.py down [--state DIR]

Everything listens on loopback only. `up` returns when all of it answers, and leaves `<state>/demo.json` behind: addresses, names, customers.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import demo_data
import deploy
import processes
from processes import Trouble

ROOT = Path(__file__).resolve().parents[2]
STACK = "lunas-demo"
STAGE = "dev"

MIDTRANS_SERVER_KEY = "SB-Mid-server-demo"
MIDTRANS_CLIENT_KEY = "SB-Mid-client-demo"
XENDIT_API_KEY = "xnd_development_demo"
XENDIT_CALLBACK_TOKEN = "demo-callback-token"
WHATSAPP_API_KEY = "demo-whatsapp-key"
# Fixed in the sandbox (infra/sandbox/src/whatsapp). All senders are filled in, so that the row `provider` alone changes who takes messages.
WHATSAPP_SENDERS = {
    "metaToken": "demo-meta-token",
    "metaPhoneNumberId": "106540352242922",
    "metaAppSecret": "demo-meta-app-secret",
    "metaVerifyToken": "demo-meta-verify-token",
    "metaRecipientsPerDay": "unlimited",
    "fonnteToken": "demo-fonnte-token",
    "fonnteWebhookToken": "demo-fonnte-webhook-token",
    "wahaApiKey": "demo-waha-key",
    "wahaHmacKey": "demo-waha-hmac-key",
}
GENIEACS_USERNAME = "lunas"
GENIEACS_PASSWORD = "demo-genieacs-password"
NETWORK_SECRET = "whsec_ZGVtby1uZXR3b3JrLXNlY3JldC1vZi1sdW5hcyE="


@dataclass
class Settings:
    """Ports: 0 = any that is free; a `wanted_` port is replaced by a free one when it is taken."""

    state: Path
    aws_port: int | None = None
    wanted_aws_port: int = 4566
    wanted_api_port: int = 8080
    build: bool = True
    binaries: Path = ROOT / "target" / "debug"
    partners: bool = True
    """Start the sandbox, fill the secrets and load the data."""
    enforce_policies: bool = False
    """Let ministack refuse what a function's own policy does not allow. It then accepts only the keys test/test from outside."""
    retry_speedup: int = 60


class Steps:
    """Prints what is being done and how long each step took."""

    def __init__(self) -> None:
        self.began = self.last = time.monotonic()
        self.text = ""

    def next(self, text: str) -> None:
        self.end()
        self.text = text
        print(f"- {text} ...", flush=True)

    def end(self) -> None:
        now = time.monotonic()
        if self.text:
            print(f"  {self.text}: {now - self.last:.1f} s", flush=True)
        self.last, self.text = now, ""


def up(settings: Settings) -> dict:
    """Starts a fresh stack and returns what demo.json holds."""
    settings.state = settings.state.resolve()
    steps = Steps()
    if settings.build:
        steps.next("building")
        build()
    down(settings.state, quiet=True)
    settings.state.mkdir(parents=True, exist_ok=True)
    try:
        demo = _start(settings, steps)
    except BaseException:
        processes.stop_all(settings.state)
        raise
    (settings.state / "demo.json").write_text(json.dumps(demo, indent=2) + "\n")
    steps.end()
    return demo


def down(state: Path, quiet: bool = False) -> None:
    stopped = processes.stop_all(state)
    (state / "demo.json").unlink(missing_ok=True)
    shutil.rmtree(state / "tmp", ignore_errors=True)
    if not quiet:
        print(f"stopped: {', '.join(stopped)}" if stopped else "nothing was running")


def build() -> None:
    if not shutil.which("cargo"):
        raise Trouble("cargo is missing: install Rust from https://rustup.rs, then open a new shell")
    if subprocess.run(["cargo", "build", "--workspace", "--bins"], cwd=ROOT).returncode != 0:
        raise Trouble("the build failed; the compiler's messages are above")


def _start(settings: Settings, steps: Steps) -> dict:
    state = settings.state
    template = (ROOT / "template.yaml").read_text()
    steps.next("packing the functions")
    binaries = {name: settings.binaries / name for name in deploy.functions_of(template)}
    zips = deploy.zip_functions(binaries, state / "zips")

    aws_port = _aws_port(settings)
    api_port = processes.free_port(settings.wanted_api_port)
    taken = {aws_port, api_port}
    sandbox_ports = {}
    for offset, partner in enumerate(("midtrans", "xendit", "whatsapp", "genieacs", "network"), 1):
        wanted = settings.wanted_api_port + offset if settings.wanted_api_port else 0
        port = processes.free_port(wanted)
        while port in taken:
            port = processes.free_port()
        taken.add(port)
        sandbox_ports[partner] = port
    aws = f"http://127.0.0.1:{aws_port}"
    api = f"http://127.0.0.1:{api_port}"
    sandbox = {partner: f"http://127.0.0.1:{port}" for partner, port in sandbox_ports.items()}

    steps.next("starting ministack")
    _start_ministack(state, aws_port, settings.enforce_policies)
    steps.next("deploying template.yaml")
    outputs = deploy.deploy(
        aws,
        STACK,
        template,
        zips,
        {
            "Stage": STAGE,
            "PublicUrl": api,
            "ProviderName": "Nusantara Net",
            "PartnerEndpoints": ",".join(f"{partner}={url}" for partner, url in sandbox.items()),
            # The only limit that the demo raises: everybody in it comes from one address.
            "RequestsPerAddress": "100000",
        },
    )
    steps.next("starting the API's address")
    proxy = processes.start(
        state,
        "api",
        [sys.executable, str(Path(__file__).with_name("proxy.py")), "--listen", str(api_port), "--aws", str(aws_port), "--api-id", outputs["resource:HttpApi"]],
        clean_env(state),
    )
    processes.wait_until_answers(state, "api", f"{api}/api/customer/me", proxy)
    if settings.partners:
        steps.next("starting the partners' stand-ins")
        _start_sandbox(settings, sandbox_ports, api)
        steps.next("filling the secrets")
        _fill_secrets(aws, sandbox)
        steps.next("loading the data")
        demo_data.load(settings.binaries / "lunas", state, {**clean_env(state), **aws_env(aws), "LUNAS_TABLE": outputs["TableName"]})
    return {
        "api": api,
        "portal": f"{api}/customer",
        "aws": aws,
        "stack": STACK,
        "table": outputs["TableName"],
        "sandbox": sandbox,
        "customers": [{"id": c.id, "name": c.name, "phone": c.phone, "username": c.username} for c in demo_data.CUSTOMERS],
    }


def _aws_port(settings: Settings) -> int:
    if settings.aws_port is None:
        port = processes.free_port(settings.wanted_aws_port)
        if port != settings.wanted_aws_port:
            print(f"  port {settings.wanted_aws_port} is taken by another program: using {port}", flush=True)
        return port
    port = processes.free_port(settings.aws_port)
    if settings.aws_port not in (0, port):
        raise Trouble(f"port {settings.aws_port} is taken by another program: end it, or choose another with --port")
    return port


def clean_env(state: Path) -> dict[str, str]:
    """ministack hands its whole environment to the functions: they get nothing of the user's shell."""
    return {"PATH": os.defpath, "HOME": str(state), "LANG": "C.UTF-8", "TMPDIR": str(state / "tmp")}


def aws_env(aws: str) -> dict[str, str]:
    return {
        "AWS_ENDPOINT_URL": aws,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_REGION": deploy.REGION,
        "AWS_DEFAULT_REGION": deploy.REGION,
        "AWS_EC2_METADATA_DISABLED": "true",
    }


def _start_ministack(state: Path, port: int, enforce_policies: bool) -> None:
    program = Path(sys.executable).with_name("ministack")
    if not program.exists():
        raise Trouble(f"{program} is missing: run `make demo`, which installs it")
    (state / "tmp").mkdir(exist_ok=True)
    env = {
        **clean_env(state),
        **aws_env(f"http://127.0.0.1:{port}"),
        "BIND_HOST": "127.0.0.1",
        "GATEWAY_PORT": str(port),
        "IOT_MTLS_ENABLED": "0",
        "MINISTACK_REGION": deploy.REGION,
        "AUTH": "true" if enforce_policies else "false",
    }
    process = processes.start(state, "ministack", [str(program)], env)
    processes.wait_until_answers(state, "ministack", f"http://127.0.0.1:{port}/_ministack/health", process)


def _start_sandbox(settings: Settings, ports: dict[str, int], api: str) -> None:
    command = [
        str(settings.binaries / "lunas-sandbox"),
        *(word for partner, port in ports.items() for word in (f"--{partner}-port", str(port))),
        *("--webhook-base", api),
        *("--midtrans-server-key", MIDTRANS_SERVER_KEY),
        *("--xendit-api-key", XENDIT_API_KEY),
        *("--xendit-callback-token", XENDIT_CALLBACK_TOKEN),
        *("--whatsapp-api-key", WHATSAPP_API_KEY),
        *("--genieacs-username", GENIEACS_USERNAME),
        *("--genieacs-password", GENIEACS_PASSWORD),
        *("--network-secret", NETWORK_SECRET),
        *("--retry-speedup", str(settings.retry_speedup)),
    ]
    process = processes.start(settings.state, "sandbox", command, clean_env(settings.state))
    for partner, port in ports.items():
        processes.wait_until_answers(settings.state, "sandbox", f"http://127.0.0.1:{port}/", process)


def _fill_secrets(aws: str, sandbox: dict[str, str]) -> None:
    """What the admin types into the AWS console."""
    values = {
        "midtrans": {"serverKey": MIDTRANS_SERVER_KEY, "clientKey": MIDTRANS_CLIENT_KEY, "isSandbox": "true", "isActive": "true"},
        "xendit": {"apiKey": XENDIT_API_KEY, "callbackToken": XENDIT_CALLBACK_TOKEN, "isActive": "true"},
        "whatsapp": {
            "provider": "meta",
            **WHATSAPP_SENDERS,
            "url": f"{sandbox['whatsapp']}/send",
            "headers": json.dumps({"Authorization": WHATSAPP_API_KEY}),
            "body": '{"to":"{{phone}}","text":"{{text}}"}',
            "successPointer": "/status",
            "successValue": "true",
        },
        "genieacs": {"url": sandbox["genieacs"], "username": GENIEACS_USERNAME, "password": GENIEACS_PASSWORD},
        "network": {"webhookUrl": f"{sandbox['network']}/webhook", "secret": NETWORK_SECRET},
    }
    secrets = deploy.client("secretsmanager", aws)
    for name, value in values.items():
        secrets.put_secret_value(SecretId=f"lunas/{STAGE}/{name}", SecretString=json.dumps(value))


def where_to_click(demo: dict, state: Path) -> str:
    first = demo["customers"][0]
    return f"""
Lunas is ready.

  Portal      {demo["portal"]}
  API         {demo["api"]}/api/customer/...
  WhatsApp    {demo["sandbox"]["whatsapp"]}/    (messages to customers arrive here)
  Midtrans    {demo["sandbox"]["midtrans"]}/
  Xendit      {demo["sandbox"]["xendit"]}/
  GenieACS    {demo["sandbox"]["genieacs"]}/    (the customers' modems)
  Network     {demo["sandbox"]["network"]}/    (who may go online, as a RADIUS server is told)
  AWS         {demo["aws"]}    (table {demo["table"]})

Log in as {first["name"]} with the phone number {first["phone"]}; the code arrives in WhatsApp above. All customers and addresses: {state}/demo.json; logs: {state}/logs
Try it by hand:

  curl -X POST {demo["api"]}/api/customer/otp -H 'content-type: application/json' -d '{{"phone":"{first["phone"]}"}}'
  curl '{demo["sandbox"]["whatsapp"]}/inbox?phone={first["phone"]}'

End it with: make demo-stop"""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    up_options = commands.add_parser("up", help="start a fresh stack (a running one is stopped first)")
    up_options.add_argument("--state", type=Path, default=ROOT / ".local", help="directory of logs, pid files and demo.json (default: .local)")
    up_options.add_argument("--port", type=int, help="ministack's port; 0 = any free one (default: 4566, or a free one if taken)")
    up_options.add_argument("--api-port", type=int, default=8080, help="port of portal and API; the stand-ins get the next five; 0 = any free ones (default: 8080)")
    up_options.add_argument("--no-build", action="store_true", help="use the binaries as they are")
    down_options = commands.add_parser("down", help="end exactly the processes that `up` started")
    down_options.add_argument("--state", type=Path, default=ROOT / ".local")
    arguments = parser.parse_args()
    try:
        if arguments.command == "down":
            down(arguments.state)
        else:
            settings = Settings(state=arguments.state, aws_port=arguments.port, wanted_api_port=arguments.api_port, build=not arguments.no_build)
            demo = up(settings)
            print(where_to_click(demo, arguments.state))
    except Trouble as trouble:
        print(f"\nerror: {trouble}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\ninterrupted; what had been started is stopped", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
