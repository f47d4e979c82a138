"""Long-lived processes of a stack: start them detached, wait until they answer, end exactly those that were started.

Each process has a file `<state>/run/<name>.json` with its pid and the moment it started (Linux counts it in clock ticks since boot),
so a pid that the system has given to somebody else is never signalled.
"""

import json
import os
import random
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path


# Nothing on loopback goes through a proxy that the user's shell names.
for _name in ("NO_PROXY", "no_proxy"):
    os.environ[_name] = ",".join(filter(None, [os.environ.get(_name), "127.0.0.1", "localhost"]))


class Trouble(Exception):
    """A problem whose text tells the user what to do next."""


def free_port(preferred: int = 0) -> int:
    """`preferred` if nobody listens there, else any free port below the range the system uses for outgoing connections."""
    for port in [preferred] if preferred else []:
        if _is_free(port):
            return port
    for _ in range(200):
        port = random.randrange(20000, 32000)
        if _is_free(port):
            return port
    raise Trouble("no free loopback port found between 20000 and 32000")


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def start(state: Path, name: str, command: list[str], env: dict[str, str]) -> subprocess.Popen:
    """Starts `command` in a session of its own; its output goes to `<state>/logs/<name>.log`, none to the caller's terminal."""
    log = state / "logs" / f"{name}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    (state / "run").mkdir(parents=True, exist_ok=True)
    try:
        with log.open("wb") as output:
            process = subprocess.Popen(
                command, env=env, cwd=state, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True, close_fds=True
            )
    except OSError as error:
        raise Trouble(f"cannot start {name}: {error}. Built by: cargo build --workspace --bins") from None
    record = {"pid": process.pid, "started": _started(process.pid), "command": command}
    (state / "run" / f"{name}.json").write_text(json.dumps(record))
    return process


def wait_until_answers(state: Path, name: str, url: str, process: subprocess.Popen, seconds: float = 30) -> None:
    """Waits for any HTTP answer at `url`."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise Trouble(f"{name} ended at once with status {process.returncode}:\n{tail(state, name)}")
        try:
            urllib.request.urlopen(url, timeout=2).close()
            return
        except urllib.error.HTTPError:
            return
        except OSError:
            time.sleep(0.1)
    raise Trouble(f"{name} does not answer at {url} after {seconds:.0f} s:\n{tail(state, name)}")


def tail(state: Path, name: str, lines: int = 15) -> str:
    log = state / "logs" / f"{name}.log"
    text = log.read_text(errors="replace").splitlines()[-lines:] if log.exists() else []
    return "\n".join(f"    {line}" for line in [*text, f"(all of it: {log})"])


def stop_all(state: Path) -> list[str]:
    """Ends every process that `start` recorded under `state`, with the children in its session; returns their names."""
    stopped = []
    for record_file in sorted((state / "run").glob("*.json")):
        record = json.loads(record_file.read_text())
        if _is_ours(record):
            _end(record)
            stopped.append(record_file.stem)
        record_file.unlink()
    return stopped


def _is_ours(record: dict) -> bool:
    return record["started"] is not None and _started(record["pid"]) == record["started"]


def _started(pid: int) -> int | None:
    """When `pid` started, or None if there is no such process or it is a zombie."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    fields = stat[stat.rindex(")") + 2 :].split()
    return None if fields[0] == "Z" else int(fields[19])


def _end(record: dict) -> None:
    pid = record["pid"]
    for kind, seconds in ((signal.SIGTERM, 8), (signal.SIGKILL, 3)):
        # start_new_session made the pid the id of its process group.
        try:
            os.killpg(pid, kind)
        except ProcessLookupError:
            return
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            _reap(pid)
            if not _group_lives(pid):
                return
            time.sleep(0.05)


def _reap(pid: int) -> None:
    try:
        os.waitpid(pid, os.WNOHANG)
    except ChildProcessError:
        pass


def _group_lives(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True
