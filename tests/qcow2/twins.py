# SPDX-License-Identifier: GPL-3.0-or-later
"""Twin images: one changed by the reference program, one by ours; afterwards both files are the same to the byte."""
import shutil

import images
import support
from images import qemu_img

LEAKS = 3  # qemu-img check's exit status: leaked clusters, no corruption


def theirs(path, *commands, cache='unsafe', image=None, **options):
    args = [word for command in commands for word in ('-c', command)]
    return support.reference('-t', cache, *args, image or path.name, cwd=path.parent, **options)


def ours(path, *commands, cache='writeback', image=None, **options):
    args = [word for command in commands for word in ('-c', command)]
    return support.drop_in('-t', cache, *args, image or path.name, cwd=path.parent, **options)


def check(path, *, leaks=False):
    result = qemu_img('check', path.name, cwd=path.parent, check=False)
    assert result.returncode in ((0, LEAKS) if leaks else (0,)), result.stdout + result.stderr


def said(result):
    return images.timeless(result.out), result.err, result.status


def copy(twin, name='ours.qcow2'):
    return shutil.copy(twin, twin.parent / name)


def assert_same(twin, other):
    problem = support.same_bytes(twin, other)
    assert problem is None, f'{problem}\n{images.qemu_img("check", "--output=json", other.name, cwd=other.parent, check=False).stdout}'


def same_after(twin, *commands):
    """Runs commands on the twin and on a copy of it: they say the same and leave the same.  The reference's result, and the copy."""
    other = copy(twin)
    a, b = theirs(twin, *commands), ours(other, *commands)
    assert said(a) == said(b), commands
    assert_same(twin, other)
    check(other)
    return a, other
