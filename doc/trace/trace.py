#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""trace.py check|write [FILE.toml...]: what an RFC asks for, the code that does it and the test that shows it.

doc/trace/rfcNNNN.toml lists the sentences (doc/trace/README.md says how); write makes rfcNNNN.md of it, check says what
is wrong in it and whether the page is stale. Exit status 77: the code that it is about is not in this tree.
"""

import glob
import os
import re
import sys
import tomllib

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(HERE)), 'tests/lint'))
import tree  # noqa: E402

LEVELS = ('MUST', 'MUST NOT', 'SHOULD', 'SHOULD NOT')
# Why a sentence has no code and test, and the heading under which it is listed.
REASONS = {
    'not yet': 'Not yet',
    'departs': 'Departures',
    'not used': 'What is optional and not used',
    'does not apply': 'What does not apply',
    'no requirement': 'No requirements of a program',
}


def is_gone(path):
    """True for a file of a plugin whose folder is not in this tree."""
    folder = re.match(r'plugins/[^/]+', path)
    return bool(folder) and not os.path.isdir(os.path.join(tree.ROOT, folder.group(0)))


def is_there(reference, tests):
    """Whether the file has a definition of that name: a function, a table, or a test."""
    path, _, name = reference.partition(':')
    if not name or not os.path.isfile(os.path.join(tree.ROOT, path)):
        return False
    name = re.escape(name)
    if path.endswith('.py'):
        return bool(re.search(rf'^def {name}\(', tree.text(path), re.M))
    if tests:
        return bool(re.search(rf'^static void {name}\(void \*\*state\)', tree.text(path), re.M)) and \
            bool(re.search(rf'^\t\t?(cmocka_unit_test\w*|T|TEST)\({name}\b', tree.text(path), re.M))
    return bool(re.search(rf'^[A-Za-z][^;\n]*\b{name}(\(|\[| = \{{|$)', tree.text(path), re.M))


def read(path):
    """The requirements of a file, without references to plugins that are not in this tree."""
    with open(os.path.join(tree.ROOT, path), 'rb') as file:
        data = tomllib.load(file)
    for entry in data['requirement']:
        for key in ('code', 'test'):
            entry[key] = [reference for reference in entry.get(key, []) if not is_gone(reference)]
        if not (entry['code'] and entry['test']) and 'why' not in entry:
            entry['orphan'] = True
    return data


def section_key(section):
    return tuple(int(number) for number in section.split('.'))


def section_of(entry):
    return entry['id'].rpartition('-')[0]


def wrong(path, data):
    """(identifier, what is wrong) of each entry."""
    last = None
    for entry in data['requirement']:
        name, why = entry.get('id', '?'), entry.get('why')
        unknown = set(entry) - {'id', 'level', 'text', 'code', 'test', 'why', 'orphan'}
        match = re.fullmatch(r'(\d+(?:\.\d+)*)-(\d+)', name)
        if not match or unknown or entry.get('level') not in LEVELS or not entry.get('text'):
            yield name, f'is no requirement: id, level and text must be there, and nothing unknown {sorted(unknown)}'
            continue
        place = section_key(match[1]) + (0, int(match[2]))
        if last and place <= last:
            yield name, 'is out of order or stands twice'
        last = place
        for key in ('code', 'test'):
            for reference in entry[key]:
                if not is_there(reference, key == 'test'):
                    yield name, f'names the {key} {reference}, which is not there (renamed?)'
        if why is None and entry.get('orphan') and is_complete(path):
            yield name, 'has neither code and test nor a reason'
        if why is not None and why.partition(':')[0] not in REASONS:
            yield name, f'has a reason that begins with none of: {", ".join(REASONS)}'


def is_complete(path):
    """Whether every plugin that the file names is in this tree."""
    return not any(is_gone(reference) for reference in re.findall(r'"(plugins/[^":]+):', tree.text(path)))


def kind(entry):
    if 'why' in entry:
        return entry['why'].partition(':')[0]
    return 'not yet' if entry.get('orphan') else 'covered'


def links(references):
    """References as Markdown, the file once for all that it has."""
    by_file = {}
    for reference in references:
        path, _, name = reference.partition(':')
        by_file.setdefault(path, []).append(name)
    return '<br>'.join(f'[{os.path.basename(path)}](../../{path}): ' + ', '.join(f'`{name}`' for name in names)
                       for path, names in by_file.items())


def cell(text):
    return text.replace('|', '\\|').replace('<', '&lt;').replace('*', '\\*')


def reason(entry):
    if 'why' not in entry:
        return 'the plugin is not in this tree'
    return entry['why'].partition(':')[2].strip()


def page(path, data):
    """The report as Markdown."""
    entries = data['requirement']
    counts = {}
    for entry in entries:
        row = counts.setdefault(kind(entry), {'MUST': 0, 'SHOULD': 0})
        row[entry['level'].split()[0]] += 1
    yield f'# RFC {data["rfc"]}: {data["title"]}'
    yield ''
    yield f'Made by doc/trace/trace.py from {os.path.basename(path)}; a test compares. What the words below mean is in'
    yield '[README.md](README.md).'
    yield ''
    yield '| | MUST, MUST NOT | SHOULD, SHOULD NOT |'
    yield '|---|---|---|'
    for name, title in {'covered': 'Met, and shown by a test', **REASONS}.items():
        row = counts.get(name, {'MUST': 0, 'SHOULD': 0})
        yield f'| {title} | {row["MUST"]} | {row["SHOULD"]} |'
    yield f'| All | {sum(row["MUST"] for row in counts.values())} | {sum(row["SHOULD"] for row in counts.values())} |'
    yield ''
    yield '## Not covered'
    for name, title in REASONS.items():
        listed = [entry for entry in entries if kind(entry) == name]
        if not listed:
            continue
        yield ''
        yield f'### {title}'
        yield ''
        yield '| | | the sentence | the reason |'
        yield '|---|---|---|---|'
        for entry in listed:
            yield f'| {entry["id"]} | {entry["level"]} | {cell(entry["text"])} | {cell(reason(entry))} |'
    yield ''
    yield '## Covered'
    section = None
    for entry in entries:
        if kind(entry) != 'covered':
            continue
        if section_of(entry) != section:
            section = section_of(entry)
            yield ''
            yield f'### {section}'
            yield ''
            yield '| | | the sentence | code | test |'
            yield '|---|---|---|---|---|'
        yield f'| {entry["id"]} | {entry["level"]} | {cell(entry["text"])} | {links(entry["code"])} | ' \
              f'{links(entry["test"])} |'


def main():
    if len(sys.argv) < 2 or sys.argv[1] not in ('check', 'write'):
        print(__doc__, file=sys.stderr)
        sys.exit(2)
    files = [os.path.relpath(path, tree.ROOT) for path in sys.argv[2:] or sorted(glob.glob(os.path.join(HERE, 'rfc*.toml')))]
    found = tree.Findings()
    gone = 0
    for path in files:
        data = read(path)
        if not os.path.isdir(os.path.join(tree.ROOT, 'plugins', data['plugin'])):
            print(f'{path}: plugins/{data["plugin"]} is not in this tree')
            gone += 1
            continue
        target = os.path.join(tree.ROOT, path.removesuffix('.toml') + '.md')
        made = '\n'.join(page(path, data)) + '\n'
        if sys.argv[1] == 'write':
            with open(target, 'w', encoding='utf-8') as file:
                file.write(made)
            continue
        lines = {match[1]: number for number, line in enumerate(tree.text(path).splitlines(), 1)
                 if (match := re.match(r'id = "(.*)"', line))}
        found.checked += len(data['requirement'])
        for name, what in wrong(path, data):
            found.add(path, lines.get(name, 1), f'{name} {what}')
        if not os.path.isfile(target) or tree.text(os.path.relpath(target, tree.ROOT)) != made:
            found.add(os.path.relpath(target, tree.ROOT), 1, 'is stale: ninja -C build standards-doc')
    if sys.argv[1] == 'check' and gone == len(files):
        sys.exit(77)
    if sys.argv[1] == 'check':
        found.end()


main()
