#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""standards.py check|write [PLUGIN.so...]: every RFC in scope, the plugin that has it and what shows it.

The RFCs are those of doc/trace/scope.toml; who has them stands in the front matter of each plugins/NAME/NAME.md. write
makes doc/standards.md. check says whether it is stale, whether a plugin cites what is not in scope or what nothing
shows, and whether the notes of the plugins given (doc/plugin-guide.md, 3) say what their front matter says.
"""

import os
import re
import subprocess
import sys
import tomllib

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(HERE)), 'tests/lint'))
import tree  # noqa: E402

SCOPE, PAGE = 'doc/trace/scope.toml', 'doc/standards.md'
# Files that can show that a standard is kept: tests beside the code, their vectors and what the plugin proves itself
# with, the tests that cross folders, and the known answers that plugins share.
BESIDE = re.compile(r'plugins/([^/]+)/((?:test|fuzz)-[^/]+\.[ch]|vectors[^/]*\.[ch]|vectors/.+)$')
ACROSS = re.compile(r'(tests/(scenario|system)/[^/]+\.(c|py)|vectors/[^/]+\.c)$')
CITES = re.compile(r'\bRFC (\d+)')


class Plugin:
    """What the front matter of a plugin says: - name, state, rfc (numbers), lines (key to line of the file)."""

    def __init__(self, folder):
        self.folder = folder
        self.path = f'plugins/{folder}/{folder}.md'
        self.values, self.lines = {}, {}
        if not os.path.isfile(os.path.join(tree.ROOT, self.path)):
            return
        key = None
        for number, line in enumerate(tree.text(self.path).splitlines(), 1):
            if number > 1 and line == '---':
                break
            match = re.match(r'(\w+):\s*(.*)', line)
            if match:
                key = match[1]
                self.values[key], self.lines[key] = match[2], number
            elif key:
                self.values[key] += ' ' + line.strip()

    @property
    def rfcs(self):
        return [int(number) for number in re.findall(r'\d+', self.values.get('rfc', ''))]


def plugins():
    folders = sorted({path.split('/')[1] for path in tree.all_files() if re.match(r'plugins/[^/]+/meson\.build$', path)})
    return [Plugin(folder) for folder in folders]


def scope():
    with open(os.path.join(tree.ROOT, SCOPE), 'rb') as file:
        return tomllib.load(file)['part']


def shown():
    """(plugin or '', RFC) to the files that cite it."""
    table = {}
    for path in tree.all_files():
        beside = BESIDE.match(path)
        if not beside and not ACROSS.match(path):
            continue
        for number in sorted(set(map(int, CITES.findall(tree.text(path))))):
            table.setdefault((beside[1] if beside else '', number), []).append(path)
    return table


def files_for(table, plugin, number):
    return table.get((plugin.folder, number), []) + table.get(('', number), [])


def link(path):
    return f'[{os.path.basename(path)}](../{path})'


def row(rfc, having, table):
    number, title = rfc['number'], rfc['title']
    if os.path.isfile(os.path.join(HERE, f'rfc{number}.md')):
        title += f' ([trace](trace/rfc{number}.md))'
    who = ', '.join(f'[{plugin.folder}](../{plugin.path})' for plugin in having) or 'not yet'
    files = []
    for plugin in having:
        files += [path for path in files_for(table, plugin, number) if path not in files]
    return f'| {number} | {title} | {who} | {", ".join(map(link, files))} |'


def page(parts, all_plugins, table):
    """doc/standards.md as lines."""
    having = {}
    for plugin in all_plugins:
        for number in plugin.rfcs:
            having.setdefault(number, []).append(plugin)
    rfcs = [rfc for part in parts for rfc in part['rfc']]
    idle = [rfc for rfc in rfcs if 'why' in rfc and rfc['number'] not in having]
    done = [rfc for rfc in rfcs if rfc['number'] in having]
    yield '# The standards, and who has them'
    yield ''
    yield 'Made by doc/trace/standards.py from [trace/scope.toml](trace/scope.toml) and the front matter of the plugins; a test'
    yield 'compares. What shows an RFC is a test that cites it.'
    yield ''
    yield f'{len(rfcs)} RFCs: {len(done)} are in plugins, {len(rfcs) - len(done) - len(idle)} not yet, in {len(idle)} there is ' \
          'nothing to be implemented.'
    for part in parts:
        yield ''
        yield f'## {part["title"]}'
        yield ''
        yield '| RFC | title | plugin | shown by |'
        yield '|---|---|---|---|'
        for rfc in part['rfc']:
            if rfc not in idle:
                yield row(rfc, having.get(rfc['number'], []), table)
    yield ''
    yield '## Nothing to be implemented'
    yield ''
    yield '| RFC | title | why |'
    yield '|---|---|---|'
    for rfc in sorted(idle, key=lambda rfc: rfc['number']):
        yield f'| {rfc["number"]} | {rfc["title"]} | {rfc["why"]} |'
    yield ''
    yield '## By plugin'
    yield ''
    yield '| plugin | state | RFCs |'
    yield '|---|---|---|'
    for plugin in all_plugins:
        yield f'| [{plugin.folder}](../{plugin.path}) | {plugin.values.get("state", "")} | ' \
              f'{", ".join(map(str, sorted(plugin.rfcs)))} |'


def note_of(path):
    """The note's name and RFCs; its items are strings, each closed with NUL."""
    said = subprocess.run(['readelf', '-W', '-p', '.note.ravelin', path], check=True, capture_output=True,
                          env={**os.environ, 'LC_ALL': 'C'}).stdout.decode('utf-8', 'replace')
    items = dict(re.findall(r'^\s+\[\s*[0-9a-f]+\]\s+.*?\b(name|rfc)=(.*)$', said, re.M))
    return items.get('name'), sorted(map(int, items.get('rfc', '').split()))


def check_scope(found, parts):
    seen = set()
    for part in parts:
        numbers = [rfc['number'] for rfc in part['rfc']]
        found.checked += len(numbers)
        if numbers != sorted(set(numbers)) or seen & set(numbers):
            found.add(SCOPE, 1, f'"{part["name"]}" is out of order, or an RFC stands twice')
        seen |= set(numbers)
    return seen


def check_plugin(found, plugin, in_scope, table):
    found.checked += 1
    if plugin.values.get('name') != plugin.folder or 'state' not in plugin.values or 'rfc' not in plugin.values:
        found.add(plugin.path, 1, f'the front matter must have "name: {plugin.folder}", state and rfc')
        return
    line = plugin.lines['rfc']
    for number in plugin.rfcs:
        if number not in in_scope:
            found.add(plugin.path, line, f'RFC {number} is not in {SCOPE}: add it there, or take it out here')
        if not files_for(table, plugin, number):
            found.add(plugin.path, line, f'no test cites RFC {number}: cite it in the one that shows it')


def main():
    if len(sys.argv) < 2 or sys.argv[1] not in ('check', 'write'):
        print(__doc__, file=sys.stderr)
        sys.exit(2)
    parts, all_plugins, table = scope(), plugins(), shown()
    made = '\n'.join(page(parts, all_plugins, table)) + '\n'
    if sys.argv[1] == 'write':
        with open(os.path.join(tree.ROOT, PAGE), 'w', encoding='utf-8') as file:
            file.write(made)
        return
    found = tree.Findings()
    in_scope = check_scope(found, parts)
    for plugin in all_plugins:
        check_plugin(found, plugin, in_scope, table)
    by_folder = {plugin.folder: plugin for plugin in all_plugins}
    for path in sys.argv[2:]:
        name, rfcs = note_of(path)
        plugin = by_folder.get(name)
        found.checked += 1
        if not plugin:
            found.add(path, 0, f'its note names the plugin {name}, which has no folder')
        elif rfcs != sorted(plugin.rfcs):
            found.add(plugin.path, plugin.lines.get('rfc', 1), f'the front matter has the RFCs {sorted(plugin.rfcs)}, the '
                                                               f'note (RV_PLUGIN) {rfcs}')
    if not os.path.isfile(os.path.join(tree.ROOT, PAGE)) or tree.text(PAGE) != made:
        found.add(PAGE, 1, 'is stale: ninja -C build standards-doc')
    found.end()


main()
