# SPDX-License-Identifier: MIT
"""JSON held to docs/schema: as it says, and with no key that it does not know."""

import functools
import json
import os

import jsonschema

TOLD = set()
FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "docs", "schema")


def names():
    return sorted(name for name in os.listdir(FOLDER) if name.endswith(".json"))


@functools.cache
def load(name):
    with open(os.path.join(FOLDER, name), encoding="utf-8") as file:
        return json.load(file)


def bundled(part, file):
    """The same as a part of one document of all files, where keys without a name are wrong."""
    if isinstance(part, list):
        return [bundled(item, file) for item in part]
    if not isinstance(part, dict):
        return part
    made = {key: bundled(item, file) for key, item in part.items()}
    if "$ref" in part:
        target, _, pointer = part["$ref"].partition("#")
        made["$ref"] = f"#/$defs/{target or file}{pointer}"
    # not those of if, then and else, which speak of a part
    if part.get("type") == "object":
        made["additionalProperties"] = False
    return made


@functools.cache
def validator(name):
    return jsonschema.Draft202012Validator({
        "$ref": f"#/$defs/{name}", "$defs": {file: bundled(load(file), file) for file in names()}})


def once(pairs):
    """No reader knows which of two keys of one name counts."""
    keys = [key for key, _ in pairs]
    if len(set(keys)) < len(keys):
        raise AssertionError(f"a key is there twice: {keys}")
    return dict(pairs)


def parse(text):
    """@text as bytes, which must be UTF-8."""
    return json.loads(text.decode("utf-8", "strict"), object_pairs_hook=once)


def check(name, told):
    """@told is as docs/schema/@name.json has it; it is returned."""
    for error in validator(name + ".json").iter_errors(told):
        raise AssertionError(f"{name}.json: {error.json_path}: {error.message}")
    TOLD.update(keys_told(name + ".json", told))
    return told


def unseen(name):
    """Keys of @name.json that nothing had that was checked so far."""
    return sorted(place for key, place in keys_of(name + ".json").items() if key not in TOLD)


def resolve(file, part):
    while "$ref" in part:
        target, _, pointer = part["$ref"].partition("#")
        file = target or file
        part = load(file)
        for step in pointer.split("/")[1:]:
            part = part[step]
    return file, part


def keys_of(file):
    """All keys that a schema file itself describes: where, by (schema, key)."""
    found = {}

    def walk(part, place):
        items = part.items() if isinstance(part, dict) else \
            enumerate(part) if isinstance(part, list) else ()
        for step, item in items:
            walk(item, f"{place}/{step}")
        if isinstance(part, dict) and part.get("type") == "object":
            found.update({(id(part), key): f"{place}/{key}" for key in part["properties"]})

    walk(load(file), file)
    return found


def keys_told(file, told):
    """Those of them that @told has."""
    found = set()

    def walk(file, part, item):
        file, part = resolve(file, part)
        if isinstance(item, dict):
            for one in part.get("oneOf", ()):
                kind = resolve(file, one)[1].get("properties", {}).get("type", {})
                if "const" in kind and kind["const"] == item.get("type"):
                    file, part = resolve(file, one)
                    break
            for one in part.get("anyOf", ()):
                if set(item) <= set(resolve(file, one)[1]["properties"]):
                    file, part = resolve(file, one)
                    break
        if isinstance(item, dict):
            found.update((id(part), key) for key in item)
            for key, value in item.items():
                walk(file, part["properties"][key], value)
        elif isinstance(item, list):
            for value in item:
                walk(file, part["items"], value)

    walk(file, load(file), told)
    return found
