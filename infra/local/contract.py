"""`infra/openapi.yaml` as a contract for answers over real HTTP, by the same rules as `tests/flows/contract.rs`."""

import json
import re
from pathlib import Path

import jsonschema
import yaml

METHODS = ("get", "post")
FORMATS = jsonschema.FormatChecker()
FORMATS.checks("date-time")(lambda value: not isinstance(value, str) or bool(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", value)))
FORMATS.checks("uri")(lambda value: not isinstance(value, str) or bool(re.fullmatch(r"https?://[^\s/]+/\S*", value)))


def close(node):
    """The same, with schemas that refuse fields that they do not name. Of a `oneOf` only the branch that fits counts as naming some."""
    if isinstance(node, list):
        return [close(each) for each in node]
    if not isinstance(node, dict):
        return node
    return {name: close_parts(name, part) for name, part in node.items()}


def close_parts(name: str, part):
    if name == "properties" and isinstance(part, dict):
        return {field: close_schema(schema) for field, schema in part.items()}
    return close_schema(part) if name in ("schema", "items") else close(part)


def close_schema(schema) -> dict:
    return {"allOf": [close(schema)], "unevaluatedProperties": False}


DOCUMENT = close(yaml.safe_load((Path(__file__).resolve().parents[1] / "openapi.yaml").read_text()))


def wrong(method: str, path: str, status: int, headers, body: bytes) -> list[str]:
    """What the document does not say of this answer. `headers` has `get`; `path` has no query."""
    operation = operation_of(method, path)
    if operation is None:
        allowed = ", ".join(name.upper() for name in operations_of(path) if name in METHODS)
        code = "method_not_allowed" if status == 405 and headers.get("Allow") == allowed else "not_found" if status == 404 else None
        is_ours = code and not misfits(DOCUMENT["components"]["schemas"]["Error"], json.loads(body)) and json.loads(body)["code"] == code
        return [] if is_ours else ["the document knows no such operation, and this is not how one is refused"]
    documented = resolved(operation["responses"].get(str(status), {}))
    if not documented:
        return ["the document knows no such status"]
    found = [] if headers.get("Cache-Control") == "no-store" else ["it may be cached"]
    for name, header in documented.get("headers", {}).items():
        header, text = resolved(header), headers.get(name)
        if text is not None:
            found += misfits(header["schema"], int(text) if text.isdigit() else text)
        elif header.get("required"):
            found.append(f"header {name} is missing")
    content, kind = documented.get("content", {}), (headers.get("Content-Type") or "").split(";")[0]
    if not content:
        return found + (["the document knows no body"] if body else [])
    if kind not in content:
        return [*found, f"the document knows no media type {kind!r}"]
    return found + misfits(content[kind]["schema"], json.loads(body) if kind == "application/json" else body.decode())


def operation_of(method: str, path: str) -> dict | None:
    return operations_of(path).get(method.lower())


def operations_of(path: str) -> dict:
    """A path without a parameter comes first. In webhooks' addresses slashes too many do not matter."""
    if path.startswith("/api/webhooks/"):
        path = re.sub("/+", "/", path).rstrip("/")
    templates = sorted(DOCUMENT["paths"], key=lambda template: template.count("{"))
    fitting = (template for template in templates if re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", template), path))
    return DOCUMENT["paths"].get(next(fitting, None), {})


def resolved(node: dict) -> dict:
    while "$ref" in node:
        pointer, node = node["$ref"], DOCUMENT
        for part in pointer.removeprefix("#/").split("/"):
            node = node[part]
    return node


def misfits(schema: dict, value) -> list[str]:
    # The schema's references lead into the document.
    whole = {"components": DOCUMENT["components"], "allOf": [schema]}
    validator = jsonschema.Draft202012Validator(whole, format_checker=FORMATS)
    return [f"{error.json_path}: {error.message}" for error in validator.iter_errors(value)]
