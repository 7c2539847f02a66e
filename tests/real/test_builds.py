# SPDX-License-Identifier: GPL-3.0-or-later
"""Builds other than the usual one: without optional libraries, with everything linked in, and from the release archive.

They take minutes, and run when BLKSCOPE_BUILDS=1 says so (./dev test --builds).
"""
import os
import re
import shutil
import subprocess
import tarfile

import pytest

import support

pytestmark = pytest.mark.skipif(not os.environ.get('BLKSCOPE_BUILDS'), reason='takes minutes: BLKSCOPE_BUILDS=1 asks for it')


LIMIT = 3600  # for one step: three compile all of it at once, on a machine that may have other work


@pytest.fixture(autouse=True)
def limit():
    """Takes the place of the limit of other tests: each step has its own."""


def call(*argv, cwd=None, **changes):
    env = {**os.environ, 'LC_ALL': 'C.UTF-8', **changes}
    result = subprocess.run([str(arg) for arg in argv], cwd=cwd, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                            stderr=subprocess.STDOUT, text=True, errors='replace', timeout=LIMIT)
    assert result.returncode == 0, f'{argv}\n{result.stdout[-6000:]}'
    return result.stdout


def built(folder, *options):
    """The program, built with these options."""
    call('meson', 'setup', folder, support.CHECKOUT, *options)
    call('ninja', '-C', folder, 'blkscope')
    return folder / 'blkscope'


def works_elsewhere(program, work):
    """Moved alone to another folder, it makes an image, writes, reads, shows a screen in a theme of its own, and runs as qemu-io."""
    away = work / 'away from home'
    away.mkdir()
    moved = away / 'blkscope'
    shutil.move(program, moved)
    image = work / 'disk.qcow2'
    ours = dict(program=moved, cwd=work)
    assert support.run(['-c', f'create -q -f qcow2 {image} 64M'], **ours).status == 0
    assert support.run(['-w', '-c', 'write -q -c -P 7 1M 64k', '-c', 'write -q -P 9 2M 64k', image], **ours).status == 0
    result = support.run(['-c', 'read -q -P 7 1M 64k', '-c', 'read -q -P 9 2M 64k', '-c', 'check', image], **ours)
    assert result.status == 0 and result.err == '', result
    screen = support.run(['--headless', '--theme=nord', image], input='screen\n', **ours)
    assert screen.status == 0 and 'qcow2' in screen.out and screen.err == '', screen
    assert support.run(['-c', 'length', image], program=moved, name='qemu-io').out == '64 MiB\n'
    return moved


def test_without_optional_libraries(work):
    """No liburing, libnbd or scdoc: threads do the I/O, and what needs NBD says so."""
    program = works_elsewhere(built(work / 'build', '-Dauto_features=disabled'), work)
    version = support.run(['--version'], program=program).out
    assert 'io_uring   no: built without liburing' in version and 'nbd        no: built without libnbd' in version
    result = support.run(['-c', 'length', 'nbd://localhost'], program=program)
    assert result.status == 1 and 'needs a build with libnbd' in result.err, result
    needed = call('readelf', '-d', program)
    assert 'liburing' not in needed and 'libnbd' not in needed


def test_static(work):
    """One file that needs no library at all, and finds its themes in itself."""
    program = works_elsewhere(built(work / 'build', '-Dstatic=true'), work)
    assert 'NEEDED' not in call('readelf', '-d', program)
    assert re.search(r'Type:\s+DYN', call('readelf', '-h', program)), 'position independent all the same'
    assert 'INTERP' not in call('readelf', '-lW', program)


def test_release_archive(work):
    """meson dist: what is in the archive builds and passes its unit tests, in a path with spaces and without git."""
    tree = work / 'the tree'
    skipped = shutil.ignore_patterns('.git', 'build*', '__pycache__', '.pytest_cache')
    shutil.copytree(support.CHECKOUT, tree, ignore=skipped)
    git = ('git', '-c', 'user.name=nobody', '-c', 'user.email=nobody@localhost', '-c', 'init.defaultBranch=main')
    call(*git, 'init', '-q', cwd=tree)
    call(*git, 'add', '-A', cwd=tree)
    call(*git, 'commit', '-q', '-m', 'release', cwd=tree)
    build = tree / 'build'
    call('meson', 'setup', build, tree)
    call('meson', 'dist', '-C', build, '--formats', 'xztar')
    archive, = (build / 'meson-dist').glob('*.tar.xz')
    version = re.search(r"version: '([^']+)'", (support.CHECKOUT / 'meson.build').read_text())[1]
    assert archive.name == f'blkscope-{version}.tar.xz'
    with tarfile.open(archive) as files:
        names = files.getnames()
    assert f'blkscope-{version}/doc/NEWS.md' in names and not [name for name in names if '/.git/' in name]
