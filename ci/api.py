#!/usr/bin/env python3
"""Holds what rustdoc knows of the public API against the documentation: ci/api.py RUSTDOC_JSON, from the repository's root.

1. Every public item is shown by an example that is run and asserts. It is one of the item's own, or stands where a reader of the item
   meets it and names it: on the page of its type, its trait, one of its modules, or of a type in its signature (`Registry::gauge` makes
   a `Gauge`, whose page shows it). A type may also be shown by what gives it: a function that returns it, a field, an associated type.
   Fields, variants and methods of other crates' traits are not looked for.
2. Every crate whose types or traits appear in the API is in the front page's table of them, with the version that Cargo.toml asks for,
   and no other is.
"""

import json
import re
import sys
import tomllib

# As stable as the compiler.
STANDARD = {"alloc", "core", "std"}
# Parts of other crates, by the name that users know them by.
PART_OF = {"serde_core": "serde"}
# What a macro writes that is `Unpin` when its fields are: no user can name it.
HIDDEN = {"pin_project_lite"}

with open(sys.argv[1], encoding="utf-8") as file:
    crate = json.load(file)
index = {int(key): item for key, item in crate["index"].items()}
paths = {int(key): path for key, path in crate["paths"].items()}

places = {}  # of each public item: its path, and the items around it, the innermost last
givers = {}  # of each item: those that give it
foreign = {}  # other crates in the API: where each appears first


def kind_of(item):
    return next(iter(item["inner"]))


def inner_of(item):
    return item["inner"][kind_of(item)]


def is_public(key):
    return key in index and index[key]["visibility"] in ("public", "default")


def referred(node):
    """The ids of all that a signature names."""
    if isinstance(node, dict):
        for key, value in node.items():
            if key in ("resolved_path", "trait") and isinstance(value, dict) and "id" in value:
                yield value["id"]
            yield from referred(value)
    elif isinstance(node, list):
        for value in node:
            yield from referred(value)


def note(node, path):
    """Notes the other crates that a part of an item at this path names."""
    for key in referred(node):
        if key in paths and paths[key]["crate_id"] != 0:
            name = crate["external_crates"][str(paths[key]["crate_id"])]["name"]
            if name not in STANDARD | HIDDEN and not name.startswith("tachograph"):
                foreign.setdefault(PART_OF.get(name, name), "::".join(path))


def give(giver, node):
    for key in referred(node):
        givers.setdefault(key, set()).add(giver)


def fields_of(shape):
    """The public fields of a struct or a variant, by their ids."""
    inner = next(iter(shape.values())) if isinstance(shape, dict) else []
    return [key for key in (inner if isinstance(inner, list) else inner["fields"]) if is_public(key)]


def add(key, path, around, name=None):
    item = index[key]
    kind, inner = kind_of(item), inner_of(item)
    if kind == "use":
        if inner["id"] in index:
            add(inner["id"], path, around, inner["name"])
        else:
            note({"resolved_path": {"id": inner["id"]}}, path + [inner["name"]])
        return
    if key in places:
        return
    path = path + [name or item["name"]]
    places[key] = ("::".join(path), around)
    if kind == "module":
        for child in filter(is_public, inner["items"]):
            add(child, path, around + [key])
    elif kind == "trait":
        note(inner["generics"], path)
        note([{"trait": bound["trait_bound"]["trait"]} for bound in inner["bounds"] if "trait_bound" in bound], path)
        members(inner["items"], path, around + [key])
    elif kind in ("struct", "enum"):
        note(inner["generics"], path)
        fields = fields_of(inner.get("kind")) + [
            field for variant in inner.get("variants", []) for field in fields_of(inner_of(index[variant])["kind"])
        ]
        for field in fields:
            note(inner_of(index[field]), path)
            give(key, inner_of(index[field]))
        for block in (inner_of(index[block]) for block in inner["impls"] if block in index):
            if block["is_synthetic"] or block["blanket_impl"]:
                continue
            note([{"trait": block["trait"]}, block["for"], block["generics"]], path)
            if block["trait"] is None:
                members(block["items"], path, around + [key])
                continue
            for part in (inner_of(index[part]) for part in block["items"] if part in index):
                note(part, path)
                give(key, part.get("type"))
    else:
        note(inner, path)
        give(key, inner.get("sig", {}).get("output"))


def members(ids, path, around):
    for key in filter(is_public, ids):
        if kind_of(index[key]) in ("function", "assoc_const"):
            add(key, path, around)


def examples(key):
    """The code of an item's examples that are run and assert something."""
    for words, code in re.findall(r"^ *```([^\n`]*)\n(.*?)^ *```$", index[key]["docs"] or "", re.MULTILINE | re.DOTALL):
        if set(re.split(r"[,\s]+", words)) <= {"", "rust"} and "assert" in code:
            yield code


add(crate["root"], [], [])

pages = {}  # the examples of each page: of the item itself, and of the methods of a type
for key, (_, around) in places.items():
    pages.setdefault(key, []).extend(examples(key))
    if around and kind_of(index[around[-1]]) != "module":
        pages[around[-1]].extend(examples(key))


def is_named(key):
    """Whether an example near an item names it."""
    item, around = index[key], places[key][1]
    is_member = bool(around) and kind_of(index[around[-1]]) != "module"
    name = re.compile((r"(\.|::|\bfn )" if is_member else r"\b") + re.escape(item["name"]) + r"\b")
    near = around + (list(referred(inner_of(item))) if kind_of(item) == "function" else [])
    return any(name.search(code) for page in near for code in pages.get(page, []))


shown = {key for key in places if pages[key] or is_named(key)}
while True:
    more = {key for key in places if key not in shown and shown & givers.get(key, set()) and kind_of(index[key]) in ("struct", "enum")}
    if not more:
        break
    shown |= more
shown |= {around[-1] for key, (_, around) in places.items() if around and key in shown}

broken = [f"{path} has no example that asserts" for key, (path, _) in places.items() if key not in shown]

with open("Cargo.toml", "rb") as file:
    manifest = tomllib.load(file)
asked = {}
for dependencies in [manifest["dependencies"]] + [target.get("dependencies", {}) for target in manifest["target"].values()]:
    for name, asks in dependencies.items():
        version = asks if isinstance(asks, str) else asks["version"]
        # What may not differ: the first number that is not 0, and those before it.
        asked[name.replace("-", "_")] = re.match(r"(0\.)*\d+", version).group()
listed = dict(re.findall(r"^\| `([a-z_]+)` ([\d.]+) \|", index[crate["root"]]["docs"], re.MULTILINE))
for name, where in foreign.items():
    if name not in listed:
        broken.append(f"{where} names the crate {name}, which the front page's table does not list")
for name, version in listed.items():
    if name not in foreign:
        broken.append(f"the front page's table lists {name}, which is not in the API")
    elif asked.get(name, version) != version:
        broken.append(f"the front page's table says {name} {version}, Cargo.toml asks for {asked[name]}")

for line in sorted(broken):
    print(f"error: {line}", file=sys.stderr)
print(f"-- {len(places)} public items, {len(places) - len(shown)} without an example; crates in the API: {', '.join(sorted(foreign))}")
sys.exit(bool(broken))
