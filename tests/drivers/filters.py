# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tests of filters share: commands through both programs on folders with the same files."""
import contextlib
import re
import shutil
import subprocess

import support
from support import MIB

NAME = re.compile(r'#block\d+')


def script(*lines):
    return support.commands(lines)


def said(result):
    return support.without_times(result.out), NAME.sub('#block', result.err), result.status


@contextlib.contextmanager
def twins(folder):
    """A folder with the same files, until the block ends."""
    twin = folder.parent / f'{folder.name}-ours'
    shutil.copytree(folder, twin)
    yield twin
    shutil.rmtree(twin)


def same(folder, *args):
    """Both in folders of their own with the same files; those are the same afterwards, too."""
    with twins(folder) as twin:
        theirs, ours = support.reference(*args, cwd=folder), support.drop_in(*args, cwd=twin)
        assert said(theirs) == said(ours), args
        for path in folder.iterdir():
            assert support.same_bytes(path, twin / path.name) is None, path.name
    return theirs


def image(path, *, backing=None, size=MIB):
    options = ['-b', backing, '-F', 'raw'] if backing else []
    subprocess.run(['qemu-img', 'create', '-q', '-f', 'qcow2', *options, path.name, str(size)], cwd=path.parent, check=True)
