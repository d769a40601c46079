# SPDX-License-Identifier: LGPL-2.1-or-later
"""sid: programs of Debian sid, from the root that the script beside this file makes before the test runs."""

import os

from lab import SOURCE, Skip, need_root

RUN = (os.path.join(SOURCE, 'tests', 'system', 'sid'), 'run')


def sid(program):
    """The command that runs program in the root ('': one that takes the program as an argument). Leaves the test out,
    aloud, where there is no root."""
    folder = os.environ.get('RAVELIN_SID', '/var/cache/ravelin/sid')
    if not os.path.exists(os.path.join(folder, 'made')):
        try:
            with open(os.path.join(folder, 'why'), encoding='utf-8') as f:
                why = f.read().strip()
        except OSError:
            why = 'tests/system/sid makes one as root'
        raise Skip(f'no root of Debian sid in {folder}: {why}')
    need_root('run programs in another root')
    return (*RUN, program) if program else RUN
