"""The page of the HTTP interface, from the description that a server gives of itself (``/openapi.json``)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, cast

from fastapi import FastAPI

from dashboard.access.doors import door_of
from dashboard.access.entrance import Access
from dashboard.access.look_list import looks_router
from dashboard.access.refusals import REFUSALS
from dashboard.api import install
from dashboard.field.routes import field_router
from dashboard.intake.health import health_router
from dashboard.pool import Pool
from fudian.desk import Desk
from fudian.fresh import Fresh

INTRO = """# The HTTP interface

`fudian serve` answers [the questions](questions.md) under `/api/v1`, in the form of the commands' `--json`; `/openapi.json`
of a running server describes the same for programs. Who may come in is told in [Serving](serving.md): a token in
`Authorization: Bearer …`, or the session of a browser. Beside each route stand the rights that it takes.

Times are local, in ISO 8601, as of the workspace; ends of periods are exclusive; numbers are not rounded; what is not
known is `null`. `?lang=zh` or `?lang=en` chooses the language of sentences, by default English. Lists in an address have
commas between.

A refusal is an object with `error`, `hint` (what to do about it) and perhaps `errors` (rows of tables that prevent the answer):

| Status | When |
|---|---|
"""


@cache
def description() -> Mapping[str, Any]:
    """Return what a server tells of its routes; none of them is asked."""
    server = FastAPI(title="Fudian 复电")
    nothing = cast("Any", None)
    server.include_router(health_router(cast("Desk", nothing), REFUSALS))
    install(server, cast("Fresh", nothing), cast("Desk", nothing), Pool())
    server.include_router(field_router(cast("Desk", nothing), "en", REFUSALS))
    server.include_router(looks_router(cast("Access", nothing)))
    return server.openapi()


def http_page() -> str:
    """Describe every route with its parameters and the form of its answer."""
    told = description()
    refusals = "".join(f"| {status} | {said['description']} |\n" for status, said in sorted(REFUSALS.items()))
    tags: dict[str, list[str]] = {}
    for path, verbs in told["paths"].items():
        for verb, route in verbs.items():
            tags.setdefault(route["tags"][0], []).append(_route(verb.upper(), path, route))
    parts = [f"\n## {tag.capitalize()}\n{''.join(routes)}" for tag, routes in tags.items()]
    page = INTRO + refusals + "".join(parts) + _forms(told["components"]["schemas"])
    return page.replace("``", "`")


def _route(verb: str, path: str, route: Mapping[str, Any]) -> str:
    lines = [f"\n### `{verb} {path}`\n\n{' '.join(route['description'].split())}\n"]
    door = door_of(verb, path, ())
    rights = "nobody need sign in" if door is None or not door.rights else ", ".join(sorted(door.rights))
    lines.append(f"\nRights: {rights}.")
    if form := _answer(route["responses"]["200"]):
        lines.append(f" Answer: {form}.")
    lines.append("\n")
    rows = [
        f"| `{each['name']}`{'*' if each.get('required') else ''} | {_kind(each['schema'])} | {_default(each['schema'])} | "
        f"{each.get('description', '')} |\n"
        for each in route.get("parameters", ())
    ]
    if rows:
        lines += ["\n| Parameter | Kind | Default | Meaning |\n|---|---|---|---|\n", *rows]
    if body := route.get("requestBody"):
        schema = body["content"]["application/json"]["schema"]
        said = schema.get("description") or f"{_kind(schema)}"
        lines.append(f"\nBody: {said}.\n")
    return "".join(lines)


def _answer(response: Mapping[str, Any]) -> str:
    content = response.get("content", {})
    schema = content.get("application/json", {}).get("schema", {})
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return f"[{name}](#{name.lower()})"
    return ", ".join(f"`{kind}`" for kind in content)


def _kind(schema: Mapping[str, Any]) -> str:
    """Return the kind of a value in a few words."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return f"[{name}](#{name.lower()})"
    if either := schema.get("anyOf") or schema.get("oneOf"):
        return " or ".join(dict.fromkeys(_kind(each) for each in either))
    if "enum" in schema or "const" in schema:
        return ", ".join(f"`{each}`" for each in schema.get("enum", [schema.get("const")]))
    kind = str(schema.get("type", "any"))
    if kind == "array":
        return f"list of {_kind(schema.get('items', {}))}"
    if kind == "object" and isinstance(schema.get("additionalProperties"), dict):
        return f"object of {_kind(schema['additionalProperties'])}"
    return {"string": "time" if "date-time" in schema.get("format", "") else "text", "null": "null"}.get(kind, kind)


def _default(schema: Mapping[str, Any]) -> str:
    return f"`{schema['default']}`" if schema.get("default") not in {None, ""} else ""


def _forms(schemas: Mapping[str, Any]) -> str:
    """Describe the forms of answers; more fields may be added to each."""
    return "\n## Forms\n\nThe fields named here stay; more may be added.\n" + "".join(
        _form(name, schemas[name]) for name in sorted(schemas) if name not in {"HTTPValidationError", "ValidationError"}
    )


def _form(name: str, schema: Mapping[str, Any]) -> str:
    rows = "".join(_fields(schema))
    return f"\n### {name}\n\n{schema.get('description', '')}\n\n| Field | Kind | Meaning |\n|---|---|---|\n{rows}"


def _fields(schema: Mapping[str, Any]) -> Iterator[str]:
    required = schema.get("required", ())
    for name, field in schema.get("properties", {}).items():
        star = "*" if name in required else ""
        yield f"| `{name}`{star} | {_kind(field)} | {field.get('description', '')} |\n"
