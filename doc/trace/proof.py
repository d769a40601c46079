#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""proof: standards.py and trace.py are shown a small tree that is right, and then that tree with one thing wrong, which
they must name."""

import os
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
MATTER = '---\nname: x-one\nrfc: [1]\nstate: complete\nconfig: []\n---\n# x-one\n'
SCOPE = '[[part]]\nname = "a"\ntitle = "A"\nrfc = [\n    { number = 1, title = "One" },\n    { number = 2, title = "Two" },\n]\n'
TRACE = 'rfc = 1\ntitle = "One"\nplugin = "x-one"\n'
MET = '\n[[requirement]]\nid = "1.2-1"\nlevel = "MUST"\ntext = "It MUST."\ncode = ["plugins/x-one/one.c:run"]\n' \
      'test = ["plugins/x-one/test-one.c:it_runs", "tests/system/test_one.py:runs"]\n'
UNMET = '\n[[requirement]]\nid = "1.10-1"\nlevel = "SHOULD"\ntext = "It SHOULD."\nwhy = "not yet: later"\n'
GOOD = {
    'plugins/x-one/meson.build': '',
    'plugins/x-one/x-one.md': MATTER,
    'plugins/x-one/one.c': 'static int run(void)\n{\n\treturn 0;\n}\n',
    'plugins/x-one/test-one.c': '/* RFC 1 */\nstatic void it_runs(void **state)\n{\n}\n\t\tcmocka_unit_test(it_runs),\n',
    'tests/system/test_one.py': 'def runs():\n    pass\n',
    'doc/trace/scope.toml': SCOPE,
    'doc/trace/rfc1.toml': TRACE + MET + UNMET,
}

# script, what is wrong, file, its text, whether the pages are made anew after it, what must be said
BAD = (
    ('standards', 'a page that was not made again', 'plugins/x-one/x-one.md', MATTER.replace('complete', 'in work'), False,
     'stale'),
    ('standards', 'an RFC that is not in scope', 'plugins/x-one/x-one.md', MATTER.replace('[1]', '[1, 3]'), True,
     'RFC 3 is not in doc/trace/scope.toml'),
    ('standards', 'an RFC that no test cites', 'plugins/x-one/x-one.md', MATTER.replace('[1]', '[1, 2]'), True,
     'no test cites RFC 2'),
    ('standards', 'no name', 'plugins/x-one/x-one.md', MATTER.replace('name:', 'nam:'), True, 'must have "name: x-one"'),
    ('standards', 'no front matter', 'plugins/x-one/x-one.md', '# x-one\n', True, 'must have "name: x-one"'),
    ('standards', 'an RFC twice', 'doc/trace/scope.toml', SCOPE.replace('number = 2', 'number = 1'), True, 'stands twice'),
    ('standards', 'another note', 'note.c', 'name=x-one\\0rfc=1 2\\0', True, 'note (RV_PLUGIN) [1, 2]'),
    ('standards', 'a note without RFCs', 'note.c', 'name=x-one\\0', True, 'note (RV_PLUGIN) []'),
    ('standards', 'a plugin without a folder', 'note.c', 'name=x-two\\0rfc=1\\0', True, 'x-two, which has no folder'),
    ('trace', 'a page that was not made again', 'doc/trace/rfc1.toml', TRACE + MET, False, 'stale'),
    ('trace', 'a test that was renamed', 'plugins/x-one/test-one.c', '/* RFC 1 */\n', True, 'it_runs, which is not there'),
    ('trace', 'a test that is not run', 'plugins/x-one/test-one.c', 'static void it_runs(void **state)\n{\n}\n', True,
     'it_runs, which is not there'),
    ('trace', 'a system test that was renamed', 'tests/system/test_one.py', 'def runs_not():\n    pass\n', True,
     'runs, which is not there'),
    ('trace', 'a function that was renamed', 'plugins/x-one/one.c', 'int rerun(void)\n{\n\trun();\n}\n', True,
     'run, which is not there'),
    ('trace', 'neither test nor reason', 'doc/trace/rfc1.toml', TRACE + MET[:MET.index('test =')], True, 'has neither'),
    ('trace', 'a reason that is none', 'doc/trace/rfc1.toml', TRACE + UNMET.replace('not yet: ', ''), True,
     'begins with none of'),
    ('trace', 'out of order', 'doc/trace/rfc1.toml', TRACE + UNMET + MET, True, 'out of order'),
    ('trace', 'an unknown key', 'doc/trace/rfc1.toml', TRACE + UNMET + 'because = 1\n', True, "['because']"),
)


def write(root, path, text):
    path = os.path.join(root, path)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, 'w', encoding='utf-8') as file:
        file.write(text)


def run(root, name, *args):
    done = subprocess.run([sys.executable, os.path.join(root, 'doc/trace', name + '.py'), *args], capture_output=True,
                          text=True)
    return done.returncode, done.stdout + done.stderr


def note(root, items):
    """A shared object whose note has these items."""
    write(root, 'note.c', f'__attribute__((section(".note.ravelin"), used)) static const char note[] = "{items}";\n')
    path = os.path.join(root, 'note.so')
    subprocess.run([os.environ.get('CC', 'cc'), '-shared', '-fPIC', '-o', path, os.path.join(root, 'note.c')], check=True)
    return path


def tell(root, name, path, text, anew):
    shutil.copytree(os.path.join(ROOT, 'tests/lint'), os.path.join(root, 'tests/lint'))
    for script in ('standards.py', 'trace.py'):
        os.makedirs(os.path.join(root, 'doc/trace'), exist_ok=True)
        shutil.copy(os.path.join(HERE, script), os.path.join(root, 'doc/trace'))
    for good, source in GOOD.items():
        write(root, good, source)
    modules = []
    if path == 'note.c':
        modules = [note(root, text)]
        path = None
    if path and anew:
        write(root, path, text)
    for script in ('trace', 'standards'):
        status, said = run(root, script, 'write')
        if status:
            return status, said
    if path and not anew:
        write(root, path, text)
    return run(root, name, 'check', *modules)


failed = 0
right = (('standards', 'nothing wrong', 'note.c', 'name=x-one\\0rfc=1\\0schema=a|b\\0', True, ''),
         ('trace', 'nothing wrong', None, None, True, ''))
for row in right + BAD:
    with tempfile.TemporaryDirectory() as folder:
        left, words = tell(folder, row[0], *row[2:5])
    if (left == 0) != (row[5] == '') or row[5] not in words:
        print(f'{row[0]}, {row[1]}: left with {left} and said:\n{words}')
        failed += 1
print(f'{len(BAD) + len(right)} trees, {failed} not told as they should be')
sys.exit(1 if failed else 0)
