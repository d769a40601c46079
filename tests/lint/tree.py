# SPDX-License-Identifier: LGPL-2.1-or-later
"""What every lint shares: which files there are, C without comments and strings, and how a finding is told."""

import os
import re
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def all_files():
    """Every file of the tree, relative to its root: those git knows or would take, else all but build folders."""
    try:
        listed = subprocess.run(['git', 'ls-files', '-z', '--cached', '--others', '--exclude-standard'], cwd=ROOT,
                                check=True, capture_output=True).stdout.decode().split('\0')
    except (OSError, subprocess.CalledProcessError):
        listed = [os.path.relpath(os.path.join(folder, name), ROOT) for folder, _, names in os.walk(ROOT)
                  if not re.search(r'/(build|\.git|__pycache__)', folder[len(ROOT):]) for name in names]
    return sorted(path for path in listed if path and os.path.isfile(os.path.join(ROOT, path)))


def files(*folders, ext=('.c', '.h')):
    """Source files under these folders (all: none given), without corpora."""
    return [path for path in all_files() if path.endswith(ext) and '/corpus/' not in path and
            (not folders or path.startswith(tuple(folder + '/' for folder in folders)))]


def octets(path):
    with open(os.path.join(ROOT, path), 'rb') as file:
        return file.read()


def text(path):
    return octets(path).decode('utf-8', 'replace')


def is_test(path):
    return os.path.basename(path).startswith(('test-', 'fuzz-')) or path.startswith('tests/')


def plain(source):
    """C with the insides of comments, strings and characters blanked; lines stay where they are."""
    pattern = r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\''

    def blank(match):
        found = match.group(0)
        if found[0] == '/':
            return re.sub(r'[^\n]', ' ', found)
        return found[0] + ' ' * (len(found) - 2) + found[-1]
    return re.sub(pattern, blank, source, flags=re.S)


class Findings:
    """Collects findings; end() prints how many and leaves with the right status."""

    def __init__(self):
        self.count = 0
        self.checked = 0

    def add(self, path, line, what):
        print(f'{path}:{line}: {what}')
        self.count += 1

    def end(self):
        if self.checked == 0:
            print('nothing was checked: a lint that cannot fail is none')
            sys.exit(1)
        print(f'{self.checked} checked, {self.count} wrong')
        sys.exit(1 if self.count else 0)
