#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""headers.py: what the headers promise: the symbol map of libravelin and the baseline of the plugin ABI.

    headers.py map SOURCE                  prints core/libravelin.map as the headers have it
    headers.py check-map SOURCE            compares it with the file
    headers.py abi SOURCE CC               prints the plugin ABI: prototypes, layouts with offsets, constants
    headers.py check-abi SOURCE CC         compares it with tests/abi/baseline
    headers.py check-exports SOURCE LIB    compares what the built library exports (its own names) with the map
    headers.py check-plugins SOURCE SO...  checks that each built plugin exports rv_plugin and nothing else

Types that only travel behind void * (the ops of a kind) are the larger part of this ABI; tools that follow exported
functions do not see them. So every struct, union and enum of include/ravelin is measured.
"""
import difflib
import glob
import os
import re
import subprocess
import sys
import tempfile


def plain(path):
    """A header's text without comments, preprocessor lines and attributes."""
    text = open(path, encoding="utf-8").read()
    text = re.sub(r"/\*.*?\*/", " ", text, flags=re.S)
    text = re.sub(r"//[^\n]*", " ", text)
    text = re.sub(r"^[ \t]*#(?:[^\n]*\\\n)*[^\n]*", " ", text, flags=re.M)
    text = re.sub(r"^RV_KIND\([^\n]*\)$", " ", text, flags=re.M)
    return re.sub(r"\s+", " ", text)


def declarations(text):
    """The declarations at the outermost level, each without its closing semicolon; bodies of functions are dropped."""
    depth, start, out = 0, 0, []
    for at, char in enumerate(text):
        if char == "{":
            depth += 1
        elif char == "}":
            depth -= 1
            if not depth and ")" in text[start:at].split("{", 1)[0]:
                start = at + 1  # an inline function
        elif char == ";" and not depth:
            out.append(text[start:at].strip())
            start = at + 1
    return [it for it in out if it]


def functions(paths):
    """The names and prototypes of functions and data that are declared, not inline."""
    found = {}
    for path in paths:
        for it in declarations(plain(path)):
            if it.startswith(("typedef ", "static ", "_Static_assert")):
                continue
            it = re.sub(r"\bRV_PRINTF\([^)]*\)|\bRV_MUST_USE\b|\bRV_API\b", "", it)
            head = it.split("(", 1)[0] if "{" not in it else ""
            match = re.search(r"\b(rv_\w+)\s*(?:\[\])?$", head.strip())
            if match and ("(" in it or it.startswith("extern ")):
                found[match.group(1)] = re.sub(r"\s+", " ", it).strip()
    return found


def public(source):
    return sorted(glob.glob(os.path.join(source, "include/ravelin/*.h")))


def symbol_map(source):
    plugins = sorted(functions(public(source)))
    daemon = sorted(functions([os.path.join(source, "core", name) for name in ("core.h", "parts.h")]))
    lines = ["# Made by tests/abi/headers.py map from include/ravelin/ (RAVELIN_1, the plugin ABI) and from core/core.h and",
             "# core/parts.h (RAVELIN_DAEMON: for ravelind and tests of the same build only).",
             "RAVELIN_1 {", "global:"]
    lines += [f"\t{name};" for name in plugins]
    lines += ["local:", "\t*;", "};", "", "RAVELIN_DAEMON {", "global:"]
    lines += [f"\t{name};" for name in daemon if name not in plugins]
    return "\n".join(lines + ["};", ""])


def split(body):
    """Splits the text between braces at semicolons of its own level."""
    depth, start, out = 0, 0, []
    for at, char in enumerate(body):
        depth += (char in "{(") - (char in "})")
        if char == ";" and not depth:
            out.append(body[start:at].strip())
            start = at + 1
    return [it for it in out if it]


def declared(text):
    """(name, type) of each thing that a member declaration declares."""
    pointer = re.match(r"(.*?)\(\s*\*\s*(\w+)\s*\)(.*)", text)
    if pointer:
        return [(pointer.group(2), re.sub(r"\s+", " ", f"{pointer.group(1)}(*){pointer.group(3)}"))]
    parts = text.split(",")
    first = re.match(r"(.*?)([*\s]*)\b(\w+)\s*((?:\[[^]]*\])*)$", parts[0].strip())
    found = []
    for part in parts:
        match = re.match(r"(?:.*?)([*\s]*)\b(\w+)\s*((?:\[[^]]*\])*)$", part.strip())
        base = first.group(1).strip()
        found.append((match.group(2), (base + " " + match.group(1).strip() + match.group(3)).strip()))
    return found


def members(body, prefix=""):
    """(path, type) of all members, with those of nested structs and unions."""
    found = []
    for it in split(body):
        nested = re.match(r"(?:struct|union)\s*(?:\w+\s*)?\{(.*)\}\s*(\w*)$", it)
        if nested:
            found += members(nested.group(1), prefix + (nested.group(2) + "." if nested.group(2) else ""))
            continue
        found += [(prefix + name, kind) for name, kind in declared(it)]
    return found


def abi(source, compiler):
    """The plugin ABI as text: a prototype, a struct's size, a member's offset and type, or a constant a line."""
    paths = public(source)
    code = ["#include <inttypes.h>", "#include <stdio.h>"]
    code += [f"#include <ravelin/{os.path.basename(path)}>" for path in paths]
    code += ["#define SIZE(what) printf(#what \" size %zu\\n\", sizeof(what));",
             "#define MEMBER(what, name, type) printf(#what \".\" #name \" at %zu size %zu: %s\\n\", "
             "offsetof(what, name), sizeof(((what *)0)->name), type);",
             "#define REST(what, name, type) printf(#what \".\" #name \" at %zu: %s\\n\", offsetof(what, name), type);",
             "#define CONSTANT(name) printf(#name \" = %\" PRId64 \"\\n\", (int64_t)(name));",
             "int main(void)", "{"]
    for path in paths:
        for it in declarations(plain(path)):
            kind = re.match(r"(struct|union) (\w+) \{(.*)\}$", it)
            values = re.match(r"enum (?:\w+ )?\{(.*)\}$", it)
            if kind:
                name = f"{kind.group(1)} {kind.group(2)}"
                code.append(f"SIZE({name})")
                code += [f'{"REST" if text.endswith("[]") else "MEMBER"}({name}, {member}, "{text}")'
                         for member, text in members(kind.group(3))]
            elif values and "X" not in re.findall(r"\w+", values.group(1)):
                names = [re.match(r"\s*(\w+)", one) for one in values.group(1).split(",")]
                code += [f"CONSTANT({name.group(1)})" for name in names if name]
    code += [f"CONSTANT({name})" for name in error_codes(source)]
    code += ["CONSTANT(RV_ABI_MAJOR)", "CONSTANT(RV_ABI_MINOR)", "CONSTANT(RV_PLUGIN_MAGIC)", "return 0;", "}", ""]
    with tempfile.TemporaryDirectory() as folder:
        with open(os.path.join(folder, "abi.c"), "w", encoding="utf-8") as file:
            file.write("\n".join(code))
        flags = subprocess.run(["pkg-config", "--cflags", "talloc"], check=True, capture_output=True, text=True).stdout
        subprocess.run(compiler + ["-D_GNU_SOURCE", f"-I{source}/include", "-o", f"{folder}/abi", f"{folder}/abi.c"] +
                       flags.split(), check=True)
        layout = subprocess.run([f"{folder}/abi"], check=True, capture_output=True, text=True).stdout
    prototypes = functions(paths)
    callbacks = [re.sub(r"\s+", " ", it) for path in paths for it in declarations(plain(path))
                 if it.startswith("typedef ")]
    kinds = [line.strip() for path in paths for line in open(path, encoding="utf-8") if line.startswith("RV_KIND(")]
    return "\n".join([prototypes[name] for name in sorted(prototypes)] + sorted(callbacks) + sorted(kinds)) + "\n" + layout


def error_codes(source):
    text = open(os.path.join(source, "include/ravelin/error.h"), encoding="utf-8").read()
    return ["RV_E" + name for name in re.findall(r"^\s*X\((\w+),", text, flags=re.M)]


def compare(path, made, advice):
    kept = open(path, encoding="utf-8").read() if os.path.exists(path) else ""
    if kept == made:
        return 0
    sys.stdout.writelines(difflib.unified_diff(kept.splitlines(True), made.splitlines(True), path, "the headers"))
    print(f"\n{path} is not what the headers say. {advice}")
    return 1


def check_exports(source, library):
    """Every own name that the library exports is in the map, under the same version."""
    wanted, version = {}, None
    for line in symbol_map(source).splitlines():
        if line.endswith("{"):
            version = line.split()[0]
        elif line.startswith("\trv_"):
            wanted[line.strip("\t;")] = version
    out = subprocess.run(["nm", "-D", "--defined-only", library], check=True, capture_output=True, text=True).stdout
    bad = 0
    for line in out.splitlines():
        kind, _, name = line.split(maxsplit=1)[1].partition(" ")
        symbol, _, version = name.replace("@@", "@").partition("@")
        if kind != "A" and symbol.startswith("rv_") and wanted.get(symbol) != version:
            print(f"{library} exports {name}, the headers have it in {wanted.get(symbol)}")
            bad += 1
    exported = {line.split()[-1].split("@")[0] for line in out.splitlines()}
    for name, version in wanted.items():
        if version == "RAVELIN_1" and name not in exported:
            print(f"{name} is declared for plugins, but {library} has no such function")
            bad += 1
    return 1 if bad else 0


def check_plugins(modules):
    bad = 0
    for module in modules:
        out = subprocess.run(["nm", "-D", "--defined-only", module], check=True, capture_output=True, text=True).stdout
        names = [line.split()[-1] for line in out.splitlines()]
        names = [name for name in names if not name.startswith(("__asan", "__odr_asan", "__sanitizer", "__ubsan"))]
        if names != ["rv_plugin"]:
            print(f"{module} exports {' '.join(names) or 'nothing'}, a plugin exports rv_plugin and nothing else")
            bad += 1
    return 1 if bad or not modules else 0


def main(arguments):
    verb, source, rest = arguments[0], arguments[1], arguments[2:]
    if verb == "map":
        print(symbol_map(source), end="")
        return 0
    if verb == "check-map":
        return compare(os.path.join(source, "core/libravelin.map"), symbol_map(source),
                       "Run: tests/abi/headers.py map . > core/libravelin.map")
    if verb == "abi":
        print(abi(source, rest), end="")
        return 0
    if verb == "check-abi":
        return compare(os.path.join(source, "tests/abi/baseline"), abi(source, rest),
                       "Members and functions that were only added: raise RV_ABI_MINOR. Anything else: raise "
                       "RV_ABI_MAJOR.\nThen run: tests/abi/headers.py abi . cc > tests/abi/baseline")
    if verb == "check-exports":
        return check_exports(source, rest[0])
    if verb == "check-plugins":
        return check_plugins(rest)
    print(__doc__)
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]) if len(sys.argv) > 2 else 2)
