"""Every operation and every status of `infra/openapi.yaml` was seen by the flows, or stands below with the reason why not.

The flows (`tests/flows/contract.rs`) hold each answer against the document and write down what they saw, into the file that API_SEEN names.
`make test` runs this after them.
"""

import os
import unittest
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[2]
METHODS = ("get", "post", "put", "delete")

# Documented, and seen by no flow: "operationId status", and why.
NOT_SEEN: dict[str, str] = {}


def documented() -> set[str]:
    paths = yaml.safe_load((ROOT / "infra" / "openapi.yaml").read_text())["paths"]
    operations = [operation for path in paths.values() for method, operation in path.items() if method in METHODS]
    return {f"{operation['operationId']} {status}" for operation in operations for status in operation["responses"]}


class EveryOperationAndStatus(unittest.TestCase):
    def test_is_seen_or_said_to_be_not(self) -> None:
        file = os.environ.get("API_SEEN", "")
        self.assertTrue(file and Path(file).exists(), "no record of what the flows saw: run them with API_SEEN=<file>, as `make test` does")
        seen = set(Path(file).read_text().splitlines())
        missing = documented() - seen
        self.assertEqual(sorted(missing - NOT_SEEN.keys()), [], "documented, but no flow sees it: add a flow, or the reason to NOT_SEEN")
        self.assertEqual(sorted(NOT_SEEN.keys() - missing), [], "NOT_SEEN names what is seen, or is not documented")


if __name__ == "__main__":
    unittest.main()
