"""Documents are held against the repository: links, anchors, paths, names, numbers, and what must have a place in them.

A repository is a dict of paths and texts, so each check is also tried on small ones that are broken on purpose.
"""

import posixpath
import re
import subprocess
import unittest
from fnmatch import fnmatch
from pathlib import Path

import yaml
from test_template import FUNCTIONS, QUEUES, ROOT, TEMPLATE, of_type

CODE = (".rs", ".py", ".mjs", ".js", ".yaml", ".json", ".toml", ".sh", ".txt", ".css", "Makefile")
LONGEST = {"README.md": 200, "ARCHITECTURE.md": 250}
INDEX = "docs/README.md"
WORDS = {word: number for number, word in enumerate("zero one two three four five six seven eight nine ten".split())}
SCHEME = re.compile(r"^[a-z]+:")
# Names with an underscore that are somebody else's.
FOREIGN = {"whatsapp_business_messaging"}

Files = dict[str, str]


def tracked() -> Files:
    """Every file that is or will be in git; binary ones as empty texts."""
    names = subprocess.run(["git", "ls-files", "--cached", "--others", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()
    return {name: text_of(ROOT / name) for name in names if (ROOT / name).is_file()}


def text_of(path: Path) -> str:
    try:
        return path.read_text()
    except UnicodeDecodeError:
        return ""


def documents(files: Files) -> dict[str, str]:
    """Without comments. The changelog tells of the past."""
    return {name: re.sub(r"<!--.*?-->", "", text, flags=re.S) for name, text in files.items() if name.endswith(".md") and name != "CHANGELOG.md"}


def prose(text: str) -> str:
    """A document without its fenced blocks."""
    return re.sub(r"^( *)(```|~~~).*?^ *\2 *$", "", text, flags=re.M | re.S)


def quoted(text: str) -> list[str]:
    """What is in backticks, outside fenced blocks."""
    return re.findall(r"`([^`\n]+)`", prose(text))


# ---- Links and anchors


def links(name: str, text: str) -> list[tuple[str, str]]:
    """Path and anchor of each relative link; the path from the root."""
    text = re.sub(r"`[^`\n]*`", "", prose(text))
    targets = re.findall(r"\]\(<?([^)\s>]+)", text) + re.findall(r'<(?:img|a)\b[^>]*?(?:src|href)="([^"]+)"', text)
    found = []
    for target in targets:
        if not SCHEME.match(target):
            path, _, anchor = target.partition("#")
            found.append((posixpath.normpath(posixpath.join(posixpath.dirname(name), path)) if path else name, anchor))
    return found


def anchors(text: str) -> set[str]:
    """The anchors that GitHub gives to headings."""
    found: dict[str, int] = {}
    for heading in re.findall(r"^#{1,6} +(.+?)#* *$", prose(text), flags=re.M):
        plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading)
        slug = re.sub(r"[^\w\- ]", "", plain.lower()).strip().replace(" ", "-")
        times = found.get(slug, 0)
        found[slug] = times + 1
        if times:
            found[f"{slug}-{times}"] = 1
    return set(found)


def exists(files: Files, path: str) -> bool:
    path = path.rstrip("/")
    return path in files or path in (".", "") or any(name.startswith(f"{path}/") for name in files)


def broken_links(files: Files) -> list[str]:
    problems = []
    for name, text in documents(files).items():
        for path, anchor in links(name, text):
            if not exists(files, path):
                problems.append(f"{name}: no file {path}")
            elif anchor and path.endswith(".md") and anchor not in anchors(files[path]):
                problems.append(f"{name}: no heading #{anchor} in {path}")
    return problems


def not_in_the_index(files: Files) -> list[str]:
    """The index links each document itself, or the README.md of its folder does."""
    indexes = [name for name in files if name == INDEX or fnmatch(name, "docs/*/README.md")]
    linked = {path for name in indexes for path, _ in links(name, files[name])}
    return [f"{INDEX} does not link {name}" for name in documents(files) if name.startswith("docs/") and name != INDEX and name not in linked]


def too_long(files: Files) -> list[str]:
    lines = {name: files.get(name, "").count("\n") for name in LONGEST}
    return [f"{name}: {count} lines, at most {LONGEST[name]}" for name, count in lines.items() if count > LONGEST[name]]


# ---- Paths, tests and names of the code


def missing_paths(files: Files) -> list[str]:
    folders = {name.split("/")[0] for name in files if "/" in name}
    names = {posixpath.basename(name) for name in files}
    problems = []
    for document, text in documents(files).items():
        for token in quoted(text):
            if re.fullmatch(r"[\w.@-]+(/[\w.@-]+)+/?", token) and token.split("/")[0] in folders:
                near = posixpath.normpath(posixpath.join(posixpath.dirname(document), token))
                if not exists(files, token) and not exists(files, near):
                    problems.append(f"{document}: no file `{token}`")
            elif re.fullmatch(r"[\w-]+\.(rs|py|mjs|toml|yaml)", token) and token not in names:
                problems.append(f"{document}: no file is named `{token}`")
    return problems


def missing_names(files: Files) -> list[str]:
    """Names with underscores, `Type::method` and `function()`; a name of five words or more is a test's."""
    code = "\n".join(text for name, text in files.items() if name.endswith(CODE))
    # Commands that a document defines itself are in its fenced blocks.
    words = FOREIGN | set(re.findall(r"\w+", code)) | {word for text in documents(files).values() for word in re.findall(r"^(\w+)\(\) \{", text, flags=re.M)}
    functions = set(re.findall(r"\b(?:fn|def|function) (\w+)", code))
    types = set(re.findall(r"\b(?:struct|enum|trait|type|mod|class) (\w+)", code))
    problems = []
    for document, text in documents(files).items():
        for token in quoted(text):
            if re.fullmatch(r"[a-z0-9]+(_[a-z0-9]+)+", token):
                known = token in functions if token.count("_") >= 4 else token in words
            elif found := re.fullmatch(r"(\w+)::(?:\w+::)*(\w+)(?:\(\))?", token):
                known = (found[1] in types or found[1] in words and found[1].islower()) and found[2] in words
            elif found := re.fullmatch(r"([a-z]\w+)\(\)", token):
                known = found[1] in functions
            else:
                continue
            if not known:
                problems.append(f"{document}: nothing in the code is named `{token}`")
    return problems


def not_in_their_file(files: Files) -> list[str]:
    """`a/file.rs` `name`, `other`: names that follow a path are in that file."""
    problems = []
    for document, text in documents(files).items():
        for path, rest in re.findall(r"`([\w/.-]+/[\w.-]+\.(?:rs|py))`((?:(?: |,|, | and )`[A-Za-z_][\w:]*`)+)", prose(text)):
            words = set(re.findall(r"\w+", files.get(path, "")))
            for token in re.findall(r"`([\w:]+)`", rest):
                if path in files and not set(re.findall(r"\w+", token)) <= words:
                    problems.append(f"{document}: `{token}` is not in {path}")
    return problems


# ---- Numbers


def plain(value: object) -> str:
    """`Five minutes`, `5 minutes` and `5 minute` alike; `1,000`, `1.000` and `1_000` too."""
    text = re.sub(r"(?<=\d)[,._](?=\d{3}\b)", "", str(value).lower().strip())
    text = re.sub(r"[a-z]+", lambda word: str(WORDS.get(word[0], word[0])), text)
    return re.sub(r"\b(second|minute|hour|day|month)s?\b", r"\1s", text)


def constant(files: Files, name: str, file: str = "") -> str:
    """A constant of the code: `20`, or `5 minutes`. Where several have the name, `file` is part of the right one's path."""
    found = {
        definition.strip()
        for path, text in files.items()
        if path.endswith(".rs") and file in path and "tests" not in path
        for definition in re.findall(rf"^\s*(?:pub(?:\(\w+\))? )?const {name}: [^=]+=\s*([^;]+);", text, flags=re.M)
    }
    if len(found) != 1:
        raise LookupError(f"{len(found)} constants {name} in files like {file or '*'}: {found}")
    (definition,) = found
    duration = re.search(r"(?:(seconds|minutes|hours|days|weeks)|from_(secs))\((\d+)\)", definition)
    if duration:
        return plain(f"{duration[3]} {duration[1] or 'seconds'}")
    return plain(re.search(r"\d[\d_]*", definition)[0])


def unwrapped(text: str) -> str:
    """Each paragraph and each item of a list on one line."""
    return re.sub(r"(?<=[^\s|])\n *(?=[^\s|#>-])(?!```|\d+\. )", " ", text)


def wrong_numbers(files: Files, rows: list[tuple[str, str, object]]) -> list[str]:
    """A row: document (or a pattern of documents), what to find there with the number in a group, and what it has to be.

    A row that names one document must be found in it.
    """
    problems = []
    for document, pattern, value in rows:
        names = [name for name in documents(files) if fnmatch(name, document)]
        found = [(name, found[1]) for name in names for found in re.finditer(pattern, unwrapped(files[name]), flags=re.I)]
        if not found and "*" not in document:
            problems.append(f"{document}: nothing like {pattern}")
        problems += [f"{name}: {number!r} ({pattern}) should be {value}" for name, number in found if plain(number) != plain(value)]
    return problems


ALARMS = of_type("AWS::CloudWatch::Alarm")
SECRETS = of_type("AWS::SecretsManager::Secret")
PARAMETERS = TEMPLATE["Parameters"]


def scheduled(rate: str) -> set[str]:
    return {name for name, function in FUNCTIONS.items() for event in function.get("Events", {}).values() if event["Properties"].get("Schedule") == rate}


def numbers(files: Files) -> list[tuple[str, str, object]]:
    def of(name: str, file: str = "") -> str:
        return constant(files, name, file)

    shards = int(of("SHARDS"))
    (kinds,) = re.findall(r"pub enum WakeKind \{(.*?)\n\}", "\n".join(text for name, text in files.items() if name.startswith("lib/cloud/")), flags=re.S)
    kinds = set(re.findall(r"^\s*([A-Z]\w+),", kinds, flags=re.M))
    billing = set(re.findall(r"WakeKind::(\w+)", files["functions/run-billing/src/lib.rs"]))
    # Found by `lunas messages` only.
    often, seldom = shards * len(kinds - billing - {"LostMessage"}), shards * len(billing)
    minutes = 30 * 24 * 60
    reads = (often + seldom / 5) * minutes * 0.5 / 1e6
    calls = len(scheduled("rate(1 minute)")) * minutes + len(scheduled("rate(5 minutes)")) * minutes // 5
    dead = {queue["RedrivePolicy"]["deadLetterTargetArn"]["GetAtt"].split(".")[0] for queue in QUEUES.values() if "RedrivePolicy" in queue}
    consumed = [name for name, queue in QUEUES.items() if "RedrivePolicy" in queue]
    receives = {queue["RedrivePolicy"]["maxReceiveCount"] for queue in QUEUES.values() if "RedrivePolicy" in queue}
    (kept,) = {QUEUES[name]["MessageRetentionPeriod"] // 86400 for name in dead}
    number = r"(\d+|one|two|three|four|five|six|seven|eight|nine|ten)"
    cost, messages, alarms = "docs/reference/cost.md", "docs/reference/messages.md", "docs/operate/alarms.md"
    pay, pricing, settings = "docs/reference/pay-link.md", "docs/reference/pricing.md", "docs/reference/settings.md"
    trouble, after = "docs/operate/troubleshooting.md", "docs/operate/looking-after.md"
    return [
        ("*", number + r" alarms\b", len(ALARMS)),
        ("*", number + r" secrets\b", len(SECRETS)),
        ("*", number + r" functions every minute", len(scheduled("rate(1 minute)"))),
        ("*", number + r" index queries", often),
        (cost, r"(\d+) alarms", len(ALARMS)),
        (cost, r"(\d+) secrets", len(SECRETS)),
        (cost, r"(\d+) secrets .*\| ([\d.]+) \|", len(SECRETS)),
        (cost, r"0\.40 each; reads .* \| ([\d.]+) \|", f"{0.4 * len(SECRETS):.2f}"),
        (cost, r"(\d+) index queries", often),
        (cost, r"every five minutes with (\d+)", seldom),
        (cost, r"makes ([\d.]+) million read units", f"{reads:.2f}"),
        (cost, r"([\d,]+) short calls", calls),
        (cost, r"(\d+) queues waiting", len(consumed)),
        (cost, r"cached for (\d+ minutes)", of("CACHED_FOR", "secrets")),
        (settings, r"notice within (\w+ minutes)", of("CACHED_FOR", "secrets")),
        (settings, r"per day; (\d+) if empty", of("MESSAGES_PER_DAY")),
        (settings, r"24 hours: (\d+) if empty", of("RECIPIENTS_PER_DAY")),
        (settings, r"themselves; (\d+) if empty", of("DEFAULT_INTERVAL_S")),
        (settings, rf"One to {number} `https", of("MAX_RECEIVERS")),
        (settings, r"(\d+) characters or more that you make up", of("MIN_TOKEN", "fonnte")),
        (messages, r"a code is valid for \| (\d+ minutes)", of("VALID_FOR", "login")),
        (messages, r"codes per phone \| (\d+) in", of("SENDS", "login")),
        (messages, r"codes per phone \| \d+ in (\d+ minutes)", of("SEND_WINDOW", "login")),
        (messages, r"codes per phone .* and (\d+) a day", of("SENDS_PER_DAY", "login")),
        (messages, r"tries \| (\d+) per code", of("TRIES_PER_CODE", "login")),
        (messages, r"tries \| .* and (\d+) a day", of("TRIES_PER_DAY", "login")),
        (messages, r"tried every (\d+ minutes)", of("STOPPED_FOR")),
        (messages, r"given up after \| (\w+ days) \|", re.search(r"Class::Bill => (\d+)", files["lib/billing/src/telling/notice.rs"])[1] + " days"),
        (messages, r"given up after \| .* \| (\w+ days) \|", re.search(r"Class::Receipt => (\d+)", files["lib/billing/src/telling/notice.rs"])[1] + " days"),
        (messages, r"\| (\w+ minutes), when the code expires", of("VALID_FOR", "login")),
        (messages, r"At (\d+):00 three days before", re.search(r"time!\((\d+):00\)", files["lib/billing/src/telling/reminder.rs"])[1]),
        (pay, r"for (\d+ days), the receipt", of("RECEIPT_FOR")),
        (pay, r"(\d+ days) after its payment", of("RECEIPT_FOR")),
        (pay, r"(\d+) bits", 8 * int(of("TOKEN_BYTES", "pay_page"))),
        (pay, r"(\d+) orders an hour", of("PUBLIC_ATTEMPTS")),
        (pricing, r"not paid within (\w+ days)", of("DUE_IN")),
        (pricing, rf"for {number} years at most", int(of("IMPORTED_MONTHS")) // 12),
        ("docs/reference/odd-payments.md", r"Rp([\d.]+) are left", of("LEAST_AMOUNT")),
        ("docs/reference/events.md", r"kept for (\w+ days)", of("KEPT", "event")),
        ("docs/reference/api.md", r"at most (\d+) KB", int(of("BODY_LIMIT", "lib/web"))),
        (trouble, r"ends after (\d+ seconds)", of("LEASE", "payment/link")),
        (trouble, r"(\d+) orders were opened", of("ATTEMPTS", "payment/link")),
        (trouble, r"or (\d+) from its public page", of("PUBLIC_ATTEMPTS")),
        (trouble, rf"{number} different choices", of("ATTEMPTS", "upgrade")),
        (trouble, r"One refresh in (\w+ minutes)", of("EVERY", "device-status")),
        ("docs/operate/*.md", r"told again every (\d+ minutes)", of("AGAIN_IN", "reconcile")),
        (trouble, r"failed (\w+) times is kept", *receives),
        (trouble, r"kept for (\d+ days)", f"{kept} days"),
        (alarms, r"in vain (\w+) times", *receives),
        (alarms, r"kept for (\d+ days)", f"{kept} days"),
        (alarms, r"after (\d+) seconds and has", re.search(r"stops taking new ones after (\d+) s", (ROOT / "template.yaml").read_text())[1]),
        (alarms, r"seconds and has (\d+);", FUNCTIONS["ReconcilePayments"]["Timeout"]),
        (alarms, rf"The {number}th try failed", of("ALARMING_TRY")),
        (alarms, r"within (\d+ minutes) of the receiver", of("LONGEST_WAIT", "telling/network")),
        (alarms, r"(\d+) hex digits", re.search(r"take\((\d+)\)", files["functions/notify-network/src/receivers.rs"])[1]),
        (after, r"within (\w+ minutes) is taken for a slip", of("SAME_WITHIN")),
        (after, r"does not go down within (\w+ minutes)", of("AGAIN_IN", "reconcile")),
        ("docs/operate/*.md", r"(?:took|takes) (?:over|longer than) (\d+ seconds)", of("TIMEOUT", "partner-http")),
        (trouble, r"looked at again in (\d+ seconds)", of("FOLLOW_UP")),
        (trouble, r"No answer within (\d+ seconds)", of("LIMIT", "lib/devices/src/nbi")),
        (alarms, r"repair wait (\d+ minutes)", of("STOPPED_FOR")),
        (alarms, r"at least every (\w+ minutes)", of("LONGEST_WAIT", "sender")),
        (alarms, r"needs its (\d+) characters", SECRETS["AppSecret"]["GenerateSecretString"]["PasswordLength"]),
        (alarms, r"failed (\w+) times in a row and is now", of("FAILURES", "breaker")),
        (alarms, r"is now asked every (\d+ seconds) at most", of("OPEN_FOR", "breaker")),
        (alarms, r"answered more than (\d+) KB", of("MAX_ANSWER_BYTES", "notify-network")),
        (alarms, r"free again after (\d+ seconds) at most", of("LEASE", "payment/link")),
        (alarms, r"free again after (\d+ seconds), told", of("LEASE", "telling/network")),
        (alarms, r"is asked for (\w+ seconds) at most", of("LIMIT", "lib/devices/src/nbi")),
        ("docs/explain/network.md", r"a lease of (\d+ seconds)", of("LEASE", "telling/network")),
        ("docs/explain/modems.md", r"younger than (\d+ seconds)", of("FRESH_FOR")),
        ("docs/explain/modems.md", r"asked, for (\d+ seconds)", of("LIMIT", "lib/devices/src/nbi")),
        ("docs/explain/modems.md", r"claim of (\w+ minutes)", of("EVERY", "device-status")),
        ("docs/explain/payment-flow.md", r"The queue, (\w+) times", *receives),
        ("docs/explain/payment-flow.md", r"Its orders wait (\w+ minutes)", of("ASK_AGAIN_IN")),
        ("docs/explain/payment-flow.md", r"tried again every (\w+ minutes)", of("CANCEL_AGAIN_IN")),
        ("docs/explain/campaign.md", r"\| ([\d,]+) schedules", re.search(r"--schedules (\d+)", files["Makefile"])[1]),
        ("docs/explain/campaign.md", rf"one of {number} bugs", files["tests/faults/main.rs"].count("is_found_out(Sabotage::")),
        ("docs/how-to/network.md", r"Answer within (\d+ seconds)", of("TIMEOUT", "partner-http")),
        ("docs/how-to/network.md", r"more than (\d+) KB", of("MAX_ANSWER_BYTES", "notify-network")),
        ("docs/how-to/network.md", r"then every (\d+)\.", of("LONGEST_WAIT", "telling/network").split()[0]),
        ("docs/how-to/network.md", rf"when the {number}th try fails", of("ALARMING_TRY")),
        ("docs/how-to/network.md", r"After (\w+ minutes) the portal", of("LATE_AFTER")),
        ("docs/tutorial/demo.md", r"first look, (\w+ minutes) after", re.search(r"FIRST_LOOKS.*?minutes\((\d+)\)", files["lib/billing/src/payment/order.rs"], flags=re.S)[1] + " minutes"),
        ("docs/reference/api.md", r"Sooner than (\w+ seconds) after", of("ASKED_EVERY")),
        ("SECURITY.md", r"\((\d+ minutes) after it\)", of("LOOK_AFTER_PAYMENT")),
        ("SECURITY.md", r"(\d+) random bits", 8 * int(of("TOKEN_BYTES", "caller"))),
        ("SECURITY.md", rf"{number} whole ways", sum(files[name].count("_survives_a_crash_at_every_step()") for name in ("tests/flows/crash.rs", "tests/flows/upgrade/crash.rs"))),
        ("SECURITY.md", rf"{number} changes of package", files["tests/flows/upgrade/crash.rs"].count("_survives_a_crash_at_every_step()")),
    ]


# ---- What must have a place


def missing_places(files: Files) -> list[str]:
    def listed(document: str, kind: str, wanted: set[str], pattern: str = r"`([^`\n]+)`") -> list[str]:
        """Each of `wanted` is found in the document by the pattern."""
        found = set(re.findall(pattern, prose(files[document]), flags=re.M))
        return [f"{document}: {kind} {name} is missing" for name in sorted(wanted - found)]

    api = yaml.safe_load(files["infra/openapi.yaml"])
    operations = {f"{method.upper()} {path}" for path, item in api["paths"].items() for method in item if method in ("get", "post")}
    codes = set(api["components"]["schemas"]["Error"]["properties"]["code"]["enum"])
    rows = {row for secret in SECRETS.values() if "SecretString" in secret for row in re.findall(r'"(\w+)":""', secret["SecretString"])}
    read = re.compile(r'(?:\b(?:row|flag|text|secret|rotating|required|number|address)\((?:rows, )?|[rR]ows(?:\(rows\))?\.get\()"([a-z]\w+)"(?:, "(\w+)")?')
    for name, text in files.items():
        if re.match(r"lib/(gateways|messaging|devices)/src/|functions/notify-network/src/receivers", name) and "test" not in name:
            rows |= {row for found in read.findall(text.split("#[cfg(test)]")[0]) for row in found if re.search(r"[A-Z]", row)}
    events = {posixpath.basename(name).removesuffix(".schema.json") for name in files if fnmatch(name, "infra/events/*.schema.json")}
    rules = set(re.findall(r'Self::\w+ => "([a-z-]+)"', files["lib/billing/src/audit/finding.rs"]))
    reviews = set(re.findall(r'Self::\w+ => "(\w+)"', files["lib/billing/src/telling/review.rs"]))
    heads = anchors(files["docs/operate/alarms.md"])
    return [
        *listed("docs/reference/api.md", "the operation", operations),
        *listed("docs/reference/api.md", "the error", codes),
        *listed("docs/reference/events.md", "the event", events),
        *listed("docs/reference/settings.md", "the parameter", set(PARAMETERS)),
        *listed("docs/reference/settings.md", "the row", rows),
        *listed("docs/operate/looking-after.md", "the finding", rules),
        *listed("docs/reference/odd-payments.md", "the kind", reviews, r"^\| `(\w+)` \|"),
        *listed("docs/operate/alarms.md", "in the table", set(ALARMS), r"^\| \[(\w+)\]"),
        *(f"docs/operate/alarms.md: no section {name}" for name in ALARMS if name.lower() not in heads),
        *(f"template.yaml: the description of {name} does not end with docs/operate/alarms.md#{name.lower()}" for name, alarm in ALARMS.items() if not alarm["AlarmDescription"].endswith(f" docs/operate/alarms.md#{name.lower()}")),
        *(f"docs/reference/settings.md: {name} is {found[1]}, its default {value['Default']}" for name, value in PARAMETERS.items() if (found := re.search(rf"^\| `{name}` \| `?([^`|]*?)`? \|", files["docs/reference/settings.md"], flags=re.M)) and found[1] != (str(value["Default"]) or "empty")),
    ]


def alarm_lines(files: Files) -> set[str]:
    """What functions log with an alarm that is on, or can be."""
    found = set()
    for name, text in files.items():
        if name.endswith(".rs") and re.match(r"(lib|functions)/", name) and not re.match(r"lib/testkit/", name):
            for call in re.findall(r"tracing::error!\(\s*(alarm\b.*?)\);", text, flags=re.S):
                found |= {message.split(": see `")[0] for message in re.findall(r'"([^"]+)",?\s*$', call)}
    return found - {"{said}"}


def missing_alarm_lines(files: Files, document: str = "docs/operate/alarms.md") -> list[str]:
    """In both directions: what is logged is explained, and what is explained is logged."""
    text = files[document]
    code = "\n".join(text for name, text in files.items() if name.endswith(".rs"))
    firsts = re.findall(r"^\| ([^|]+) \|", text.partition("## AlarmLinesAlarm")[2].partition("### The network was not told")[0], flags=re.M)
    gone = [line for first in firsts for line in quoted(first) if not re.search(r'[…"]', line) and line not in code]
    missing = [f"{document}: the alarm line `{line}` is missing" for line in sorted(alarm_lines(files) - set(quoted(text)))]
    return missing + [f"{document}: nothing logs `{line}`" for line in gone]


FILES = tracked()


class Documents(unittest.TestCase):
    maxDiff = None

    def test_links_and_anchors_lead_somewhere(self):
        self.assertEqual(broken_links(FILES), [])

    def test_every_document_is_in_the_index(self):
        self.assertEqual(not_in_the_index(FILES), [])

    def test_the_first_two_are_short(self):
        self.assertEqual(too_long(FILES), [])

    def test_paths_exist(self):
        self.assertEqual(missing_paths(FILES), [])

    def test_names_of_tests_and_code_exist(self):
        self.assertEqual(missing_names(FILES) + not_in_their_file(FILES), [])

    def test_numbers_are_those_of_template_and_code(self):
        self.assertEqual(wrong_numbers(FILES, numbers(FILES)), [])

    def test_what_must_have_a_place_has_one(self):
        self.assertEqual(missing_places(FILES), [])

    def test_every_alarm_line_of_the_code_is_explained(self):
        self.assertEqual(missing_alarm_lines(FILES), [])


class TheChecks(unittest.TestCase):
    """Each finds what it is for."""

    def test_a_broken_link_is_found(self):
        files = {"README.md": "# A b\n[x](docs/a.md#two-words) [y](#a-b) [z](https://example.id) `[no](link.md)`\n", "docs/a.md": "# Two `words`\n[up](../README.md) [folder](../docs)\n"}
        self.assertEqual(broken_links(files), [])
        files["docs/a.md"] += "[gone](b.md)\n"
        files["README.md"] += "[x](docs/a.md#three)\n"
        self.assertEqual(broken_links(files), ["README.md: no heading #three in docs/a.md", "docs/a.md: no file docs/b.md"])

    def test_links_in_fenced_blocks_are_text(self):
        self.assertEqual(broken_links({"a.md": "```sh\n[x](gone.md)\n# not a heading\n```\n"}), [])
        self.assertEqual(anchors("# Twice\n# Twice\n```\n# No\n```\n"), {"twice", "twice-1"})

    def test_a_document_that_is_not_linked_is_found(self):
        files = {INDEX: "[a](how-to/a.md) [decisions](decisions/README.md)", "docs/how-to/a.md": "", "docs/decisions/README.md": "[1](one.md)", "docs/decisions/one.md": ""}
        self.assertEqual(not_in_the_index(files), [])
        self.assertEqual(not_in_the_index({**files, "docs/b.md": ""}), [f"{INDEX} does not link docs/b.md"])

    def test_a_long_document_is_found(self):
        self.assertEqual(too_long({"README.md": "\n" * 200}), [])
        self.assertEqual(too_long({"README.md": "\n" * 201}), ["README.md: 201 lines, at most 200"])

    def test_a_missing_path_is_found(self):
        files = {"lib/a/src/lib.rs": "", "README.md": "`lib/a`, `lib/a/src/lib.rs`, `lib/*`, `lib.rs`, `other/path`"}
        self.assertEqual(missing_paths(files), [])
        files["README.md"] += " `lib/b/src/lib.rs` `main.rs`"
        self.assertEqual(missing_paths(files), ["README.md: no file `lib/b/src/lib.rs`", "README.md: no file is named `main.rs`"])

    def test_a_missing_name_is_found(self):
        files = {"a.rs": "impl Apply {} struct Apply; fn twice_is_booked_once_by_all() {} fn settle() { order_id }", "A.md": "`twice_is_booked_once_by_all` `order_id` `Apply::settle` `settle()` `a word`"}
        self.assertEqual(missing_names(files), [])
        files["A.md"] += " `thrice_is_booked_once_by_all` `Apply::gone` `gone()` `Gone::settle`"
        self.assertEqual(len(missing_names(files)), 4)

    def test_a_name_that_moved_to_another_file_is_found(self):
        files = {"lib/a.rs": "fn decide() {}", "A.md": "`lib/a.rs` `decide`, `open`"}
        self.assertEqual(not_in_their_file(files), ["A.md: `open` is not in lib/a.rs"])

    def test_a_wrong_number_is_found(self):
        files = {"a.rs": "pub const SENDS: usize = 3;\npub const VALID_FOR: Duration = Duration::minutes(5);\n", "A.md": "three sends, five minutes"}
        rows = [("A.md", r"(\w+) sends", constant(files, "SENDS")), ("A.md", r"(\w+ minutes)", constant(files, "VALID_FOR"))]
        self.assertEqual(wrong_numbers(files, rows), [])
        self.assertEqual(wrong_numbers({**files, "A.md": "three\nsends,\n  five minutes"}, rows), [], "over the end of a line")
        self.assertEqual(len(wrong_numbers({**files, "A.md": "4 sends, 5 minutes"}, rows)), 1)
        self.assertEqual(len(wrong_numbers({**files, "A.md": "3 sends, 5 hours"}, rows)), 1, "a number that is not found")
        self.assertEqual(wrong_numbers({"A.md": ""}, [("*", r"(\d+) alarms", 22)]), [])
        with self.assertRaises(LookupError):
            constant(files, "GONE")

    def test_an_alarm_line_without_a_word_about_it_is_found(self):
        files = {"functions/a/src/lib.rs": 'tracing::error!(alarm = true, %error, "it broke");\ntracing::error!(%error, "no alarm");', "docs/operate/alarms.md": "## AlarmLinesAlarm\n\n| `it broke` | repair it |\n"}
        self.assertEqual(missing_alarm_lines(files), [])
        files["functions/a/src/lib.rs"] += '\ntracing::error!(\n    alarm,\n    "it broke again"\n);'
        self.assertEqual(missing_alarm_lines(files), ["docs/operate/alarms.md: the alarm line `it broke again` is missing"])
        files["functions/a/src/lib.rs"] = ""
        self.assertEqual(missing_alarm_lines(files), ["docs/operate/alarms.md: nothing logs `it broke`"])


if __name__ == "__main__":
    unittest.main()
