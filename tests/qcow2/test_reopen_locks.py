# SPDX-License-Identifier: GPL-3.0-or-later
"""`reopen -o file=NODE` beside others who hold the other file: what is refused leaves locks, nodes and bytes as they were."""
import contextlib
import subprocess
import sys
from pathlib import Path

import pytest

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parent.parent / 'nbd')]

from images import create  # noqa: E402
from servers import qemu_nbd  # noqa: E402
from support import BLKSCOPE, FLAVOUR, MIB, REFERENCE, environment  # noqa: E402
from test_locks import Holder, locks_of  # noqa: E402

pytestmark = pytest.mark.skipif(FLAVOUR == 'valgrind', reason='a process under valgrind has descriptors of its own')

QCOW2 = ('driver=qcow2,node-name=q,file.driver=file,file.filename=top.qcow2,file.node-name=qf,backing.driver=raw,backing.node-name=b,'
         'backing.file.driver=file,backing.file.filename=base.raw,backing.file.node-name=bf')
BELOW_RAW = 'driver=raw,node-name=t,' + f',{QCOW2}'.replace(',', ',file.')[1:]
RULES = 'driver=blkdebug,node-name=t,take-child-perms.0=resize,unshare-child-perms.0=write,' + f',{QCOW2}'.replace(',', ',image.')[1:]
LOOK = ['read -v 0 16', 'read -v 64k 16', 'map']
FORBIDS_WRITING, WRITES, FORBIDS_RESIZING = ('READ', 201), ('READ', 101), ('READ', 203)


@pytest.fixture
def folder(tmp_path):
    (tmp_path / 'base.raw').write_bytes(bytes([1]) * MIB)
    create(tmp_path / 'top.qcow2', MIB, backing='base.raw', backing_format='raw')
    subprocess.run([REFERENCE, '-c', 'write -P 3 64k 64k', 'top.qcow2'], cwd=tmp_path, env=environment(), check=True, stdout=subprocess.DEVNULL)
    return tmp_path


def server(folder, *switches):
    return qemu_nbd(folder / 'socket', '-f', 'raw', *switches, folder / 'base.raw')


@contextlib.contextmanager
def machine(folder, node, device):
    command = ['qemu-system-x86_64', '-S', '-nodefaults', '-display', 'none', '-M', 'microvm,accel=tcg', '-m', '16', '-blockdev',
               f'driver=raw,node-name=disk,file.driver=file,file.filename=base.raw{node}', '-device', f'virtio-blk-device,drive=disk{device}', '-qmp', 'stdio']
    process = subprocess.Popen(command, cwd=folder, env=environment(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    try:
        assert b'"QMP"' in process.stdout.readline()
        process.stdin.write(b'{"execute":"qmp_capabilities"}{"execute":"query-status"}\n')
        process.stdin.flush()
        while b'"running"' not in (said := process.stdout.readline()):
            assert said, 'the machine ended'
        yield process
    finally:
        process.communicate(b'{"execute":"quit"}\n')


def io(folder, *switches):
    return Holder([REFERENCE, 'qemu-io', *switches], folder)


OTHERS = {
    'nobody': lambda folder: contextlib.nullcontext(),
    'qemu-io': lambda folder: io(folder, '-f', 'raw', 'base.raw'),
    'qemu-io -r': lambda folder: io(folder, '-r', '-f', 'raw', 'base.raw'),
    'qemu-io -r -U': lambda folder: io(folder, '-r', '-U', '-f', 'raw', 'base.raw'),
    'qemu-io that keeps the length': lambda folder: io(folder, '-r', '--image-opts', 'driver=blkdebug,image.driver=file,image.filename=base.raw,'
                                                       'unshare-child-perms.0=resize'),
    'qemu-nbd': server,
    'qemu-nbd -r': lambda folder: server(folder, '-r'),
    'machine': lambda folder: machine(folder, '', ''),
    'machine that shares': lambda folder: machine(folder, '', ',share-rw=on'),
    'machine that reads': lambda folder: machine(folder, ',read-only=on', ''),
    'machine with force-share': lambda folder: machine(folder, ',read-only=on,force-share=on', ''),
}


def state(holder, process, folder):
    said = holder.run(*LOOK, 'length')
    # Times differ.
    said = [line for line in said.splitlines() if not (' ops; ' in line)]
    return said, locks_of(process, folder), {name: (folder / name).read_bytes() for name in ('base.raw', 'top.qcow2')}


@pytest.mark.parametrize('name', ['qemu-io', 'blkscope'])
@pytest.mark.parametrize('other', OTHERS)
def test_to_write_where_others_forbid_it(folder, other, name):
    """The file below becomes the image's, writable.  Under our own name nothing is locked before, and nothing must be after."""
    switches = ['-r'] if name == 'qemu-io' else ['--no-sandbox']
    holder = Holder([BLKSCOPE, name, *switches, '--image-opts', BELOW_RAW], folder)
    with holder as process:
        before = state(holder, process, folder)
        assert bool(before[1]) == (name == 'qemu-io')
        with OTHERS[other](folder) as held:
            theirs = locks_of(held, folder).get('base.raw', set()) if held else set()
            said = holder.run('reopen -w -o file=bf', 'length')
            assert ('Failed to get "write" lock' in said) == (FORBIDS_WRITING in theirs), said
            if FORBIDS_WRITING in theirs:
                assert state(holder, process, folder) == before
            assert not held or locks_of(held, folder).get('base.raw', set()) == theirs
        if FORBIDS_WRITING in theirs:
            assert 'Failed' not in holder.run('reopen -w -o file=bf', 'length')
        assert 'wrote' in holder.run('write -P 7 0 64k', 'length')
    assert (folder / 'base.raw').read_bytes()[:65536] == bytes([7]) * 65536


@pytest.mark.parametrize('fails', ['', ',nope=1'])
@pytest.mark.parametrize('other', OTHERS)
def test_what_is_locked_for_a_new_user_is_let_go(folder, other, fails):
    """blkdebug forbids others to write to what is below it, and takes the right to resize that: locks that the other file does not have yet."""
    holder = Holder([BLKSCOPE, 'qemu-io', '-r', '--image-opts', RULES], folder)
    with holder as process:
        before = state(holder, process, folder)
        with OTHERS[other](folder) as held:
            theirs = locks_of(held, folder).get('base.raw', set()) if held else set()
            refused = bool(theirs & {WRITES, FORBIDS_RESIZING})
            said = holder.run(f'reopen -o file=bf{fails}', 'length')
            assert ('Failed to get' in said) == refused and ('nope' in said) == (bool(fails) and not refused), said
            if refused or fails:
                assert state(holder, process, folder) == before
            else:
                assert {FORBIDS_WRITING, ('READ', 103)} <= locks_of(process, folder)['base.raw']


@pytest.mark.parametrize('name', ['qemu-io', 'blkscope'])
@pytest.mark.parametrize('file', ['', 'file=bf,'])
def test_when_a_node_above_refuses(folder, name, file):
    """The file is locked and open for writing by then."""
    switches = ['-r'] if name == 'qemu-io' else ['--no-sandbox']
    holder = Holder([BLKSCOPE, name, *switches, '--image-opts', BELOW_RAW], folder)
    with holder as process:
        before = state(holder, process, folder)
        assert 'Specified size is not multiple of 512' in holder.run(f'reopen -w -o {file}size=100', 'length')
        assert state(holder, process, folder) == before
        assert 'read-only' in holder.run('write 0 512', 'length')


@pytest.mark.parametrize('name', ['qemu-io', 'blkscope'])
def test_the_image_itself_where_others_forbid_it(folder, name):
    switches = ['-r'] if name == 'qemu-io' else ['--no-sandbox']
    holder = Holder([BLKSCOPE, name, *switches, '-f', 'raw', 'base.raw'], folder)
    with holder as process:
        before = state(holder, process, folder)
        with machine(folder, '', ''):
            assert 'Failed to get "write" lock' in holder.run('reopen -w', 'length')
            assert state(holder, process, folder) == before
