# SPDX-License-Identifier: GPL-3.0-or-later
"""Who may have an image open beside whom: every pair of openers, against the reference; the locks that stand for it."""
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from images import create  # noqa: E402
from support import BLKSCOPE, FLAVOUR, MIB, REFERENCE, blkscope, environment  # noqa: E402

pytestmark = pytest.mark.skipif(FLAVOUR == 'valgrind', reason='a process under valgrind has descriptors of its own')

MODES = {'read': ['-r'], 'write': [], 'share': ['-r', '-U'], 'snapshot': ['-s']}
IMAGES = {'raw': ['-f', 'raw', 'base.raw'], 'qcow2': ['-f', 'qcow2', 'alone.qcow2'], 'chain': ['-f', 'qcow2', 'top.qcow2'],
          'data-file': ['-f', 'qcow2', 'data.qcow2']}


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    work = tmp_path_factory.mktemp('locks')
    (work / 'base.raw').write_bytes(bytes(MIB))
    create(work / 'alone.qcow2', MIB)
    create(work / 'mid.qcow2', MIB, backing='base.raw', backing_format='raw')
    create(work / 'top.qcow2', MIB, backing='mid.qcow2', backing_format='qcow2')
    create(work / 'data.qcow2', MIB, data_file='data.raw')
    return work


class Holder:
    """A program that has the image open until the block ends."""

    def __init__(self, command, folder):
        (self.program, *self.command), self.folder = command, folder

    def __enter__(self):
        self.process = subprocess.Popen(self.command, executable=self.program, cwd=self.folder, env=environment(), stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self.run('length')
        return self.process

    def run(self, *commands):
        """What it said.  The last one is `length`; several are for ours only, which doesn't leave what it has read in a buffer of its own."""
        self.process.stdin.write(''.join(f'{command}\n' for command in commands).encode())
        self.process.stdin.flush()
        said = b''
        while b'MiB' not in said:
            more = self.process.stdout.read1(1000)
            assert more, said.decode()
            said += more
        return said.decode()

    def __exit__(self, *unused):
        self.process.stdin.close()
        self.process.stdout.read()
        self.process.stdout.close()
        self.process.wait()


def io(program, mode, image):
    return [program, 'qemu-io', *MODES[mode], *IMAGES[image]]


def text_of(fdinfo):
    """Nothing, where the process has closed it meanwhile."""
    try:
        return fdinfo.read_text()
    except FileNotFoundError:
        return ''


def locks_of(process, folder):
    """{file: bytes that are locked}, as the kernel tells it of the process's descriptors."""
    names = {(folder / name).stat().st_ino: name for name in os.listdir(folder) if (folder / name).is_file()}
    found = {}
    for fd in Path(f'/proc/{process.pid}/fdinfo').iterdir():
        for kind, inode, first, last in re.findall(r'^lock:\s+\d+: OFDLCK\s+ADVISORY\s+(\w+) \S+ \S+:(\d+) (\d+) (\d+)', text_of(fd), re.M):
            if int(inode) in names:  # not the temporary layer
                found.setdefault(names[int(inode)], set()).update((kind, byte) for byte in range(int(first), int(last) + 1))
    return found


def outcome(command, folder):
    program, *words, image = command
    result = subprocess.run([*words, '-c', 'length', image], executable=program, cwd=folder, env=environment(), capture_output=True, text=True)
    return result.returncode, result.stdout, result.stderr


@pytest.mark.parametrize('image', IMAGES)
@pytest.mark.parametrize('mode', MODES)
def test_the_same_bytes_are_locked(folder, image, mode):
    with Holder(io(REFERENCE, mode, image), folder) as process:
        theirs = locks_of(process, folder)
    with Holder(io(BLKSCOPE, mode, image), folder) as process:
        assert locks_of(process, folder) == theirs
    assert theirs


@pytest.mark.parametrize('image', IMAGES)
@pytest.mark.parametrize('holding', MODES)
def test_every_pair_is_as_two_of_theirs(folder, image, holding):
    with Holder(io(REFERENCE, holding, image), folder):
        theirs = {mode: outcome(io(REFERENCE, mode, image), folder) for mode in MODES}
        assert {mode: outcome(io(BLKSCOPE, mode, image), folder) for mode in MODES} == theirs
    with Holder(io(BLKSCOPE, holding, image), folder):
        assert {mode: outcome(io(REFERENCE, mode, image), folder) for mode in MODES} == theirs
        assert {mode: outcome(io(BLKSCOPE, mode, image), folder) for mode in MODES} == theirs


@pytest.mark.parametrize('holding', MODES)
def test_qemu_img_meets_ours_as_it_meets_theirs(folder, holding):
    def all_of_it():
        commands = (['info'], ['info', '-U'], ['check'], ['check', '-U'], ['resize', '-q'], ['snapshot', '-l'])
        runs = [subprocess.run(['qemu-img', *command, 'alone.qcow2', *(['1M'] if command[0] == 'resize' else [])], cwd=folder, capture_output=True,
                               text=True) for command in commands]
        return [(run.returncode, run.stderr) for run in runs]

    with Holder(io(REFERENCE, holding, 'qcow2'), folder):
        theirs = all_of_it()
    with Holder(io(BLKSCOPE, holding, 'qcow2'), folder):
        assert all_of_it() == theirs


@pytest.mark.parametrize('server', [['-r'], []])
def test_a_server_of_theirs_is_met_as_by_theirs(folder, server):
    """qemu-nbd holds the image; it says when it can be connected to by forking into the background."""
    pidfile = folder / 'pid'
    subprocess.run(['qemu-nbd', '--fork', '-t', '-k', folder / 'socket', f'--pid-file={pidfile}', '-f', 'qcow2', *server, 'alone.qcow2'], cwd=folder,
                   check=True)
    pid = int(pidfile.read_text())
    try:
        theirs = {mode: outcome(io(REFERENCE, mode, 'qcow2'), folder) for mode in MODES}
        assert {mode: outcome(io(BLKSCOPE, mode, 'qcow2'), folder) for mode in MODES} == theirs
        chain = blkscope('-c', 'chain', 'alone.qcow2', cwd=folder)
        assert f'qemu-nbd (pid {pid})' in chain.out or chain.status
        assert not server or chain.status == 0
    finally:
        os.kill(pid, 15)
        while (folder / 'socket').exists() and Path(f'/proc/{pid}').exists():
            os.sched_yield()


# ---- a virtual machine ----

# How it opens the image, and whether its guest has it: options of the node, of the device.
MACHINES = {'write': ('', ''), 'read': (',read-only=on', ''), 'shared': ('', ',share-rw=on'), 'force-share': (',read-only=on,force-share=on', ''),
            'idle': ('', None)}


def machine(mode, image):
    node, device = MACHINES[mode]
    kind, name = IMAGES[image][1:]
    devices = ['-M', 'none'] if device is None else ['-M', 'microvm,accel=tcg', '-m', '16', '-device', f'virtio-blk-device,drive=disk{device}']
    return ['qemu-system-x86_64', '-S', '-nodefaults', '-display', 'none', '-blockdev',
            f'driver={kind},node-name=disk,file.driver=file,file.filename={name}{node}', *devices, '-qmp', 'stdio']


class Machine:
    """A virtual machine that has the image and does not run, until the block ends."""

    def __init__(self, mode, image, folder):
        self.command, self.folder = machine(mode, image), folder

    def __enter__(self):
        self.process = subprocess.Popen(self.command, cwd=self.folder, env=environment(), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.STDOUT)
        said = self.process.stdout.readline()
        assert b'"QMP"' in said, said.decode()
        # It greets early, and answers when it has its disks.
        self.process.stdin.write(b'{"execute":"qmp_capabilities"}{"execute":"query-status"}\n')
        self.process.stdin.flush()
        while b'"running"' not in said:
            said = self.process.stdout.readline()
            assert said, 'the machine ended'
        return self.process

    def __exit__(self, *unused):
        self.process.communicate(b'{"execute":"quit"}\n')


def start_machine(mode, image, folder):
    result = subprocess.run(machine(mode, image), cwd=folder, env=environment(), input='{"execute":"qmp_capabilities"}{"execute":"quit"}\n',
                            capture_output=True, text=True)
    return result.returncode, result.stderr


@pytest.mark.parametrize('image', IMAGES)
@pytest.mark.parametrize('mode', MACHINES)
def test_a_machine_is_met_as_by_theirs(folder, image, mode):
    with Machine(mode, image, folder):
        theirs = {mode: outcome(io(REFERENCE, mode, image), folder) for mode in MODES}
        assert {mode: outcome(io(BLKSCOPE, mode, image), folder) for mode in MODES} == theirs


@pytest.mark.parametrize('image', IMAGES)
@pytest.mark.parametrize('holding', MODES)
def test_a_machine_meets_ours_as_it_meets_theirs(folder, image, holding):
    with Holder(io(REFERENCE, holding, image), folder):
        theirs = {mode: start_machine(mode, image, folder) for mode in MACHINES}
    with Holder(io(BLKSCOPE, holding, image), folder):
        assert {mode: start_machine(mode, image, folder) for mode in MACHINES} == theirs


def test_a_running_machine_is_named(folder):
    with Machine('write', 'qcow2', folder) as process:
        refused = blkscope('-c', 'length', 'alone.qcow2', cwd=folder)
        assert refused.status == 1 and 'Failed to get shared "write" lock' in refused.err
        assert 'it is in use; -U opens it' in refused.err
        refused = blkscope('-w', '-c', 'length', 'alone.qcow2', cwd=folder)
        assert refused.status == 1 and 'it is in use; without -w, -U opens it' in refused.err, '-U is for readers only'
        chain = blkscope('-U', '-c', 'chain', 'alone.qcow2', cwd=folder)
        assert f'qemu-system-x86 (pid {process.pid}) is writing to alone.qcow2' in chain.out, chain.out
        written = blkscope('-w', '-c', 'write 0 512', 'alone.qcow2', cwd=folder)
        assert written.status == 1 and 'lock' in written.err


# Filters hand on what is asked of them, and take what they need themselves.
FILTERS = {
    'throttle': 'driver=throttle,throttle-group=t,file.driver=qcow2,file.file.filename=alone.qcow2',
    'compress': 'driver=compress,file.driver=qcow2,file.file.filename=alone.qcow2',
    'preallocate': 'driver=qcow2,file.driver=preallocate,file.file.driver=file,file.file.filename=alone.qcow2',
    'preallocate-raw': 'driver=preallocate,file.driver=file,file.filename=base.raw',
    'copy-on-read': 'driver=copy-on-read,file.driver=qcow2,file.file.filename=alone.qcow2',
    'quorum': 'driver=quorum,vote-threshold=1,children.0.driver=qcow2,children.0.file.filename=alone.qcow2,children.1.driver=raw,children.1.file.filename=base.raw',
    'quorum-rewrite': 'driver=quorum,vote-threshold=1,rewrite-corrupted=on,children.0.driver=raw,children.0.file.filename=base.raw',
    'blkverify': 'driver=blkverify,raw.driver=file,raw.filename=base.raw,test.driver=qcow2,test.file.filename=alone.qcow2',
    'blkverify-raw': 'driver=blkverify,raw.driver=null-co,test.driver=file,test.filename=base.raw',
    'log': 'driver=blklogwrites,file.driver=null-co,file.size=1M,log.driver=file,log.filename=base.raw',
    'before-write': 'driver=copy-before-write,file.driver=file,file.filename=base.raw,target.driver=qcow2,target.file.driver=file,target.file.filename=alone.qcow2',
    'before-write-raw': 'driver=copy-before-write,file.driver=qcow2,file.file.filename=alone.qcow2,target.driver=file,target.filename=base.raw',
    'snapshot': 'driver=snapshot-access,file.driver=copy-before-write,file.file.driver=file,file.file.filename=base.raw,file.target.driver=qcow2,'
                'file.target.file.driver=file,file.target.file.filename=alone.qcow2',
    'replication': 'driver=replication,mode=primary,file.driver=qcow2,file.file.filename=alone.qcow2',
    'replication-raw': 'driver=replication,mode=secondary,top-id=t,file.driver=file,file.filename=base.raw',
    'used-twice': 'driver=copy-before-write,file.driver=file,file.filename=base.raw,file.node-name=n,target.driver=qcow2,target.backing=n,'
                  'target.file.driver=file,target.file.filename=alone.qcow2',
    'used-with-more': 'driver=blkverify,raw.driver=file,raw.filename=base.raw,raw.node-name=n,test.driver=blkdebug,test.image=n,'
                      'test.take-child-perms.0=resize,test.unshare-child-perms.0=write-unchanged',
}
FOR_WRITING = ('copy-on-read', 'quorum-rewrite', 'before-write', 'before-write-raw', 'snapshot', 'used-twice', 'used-with-more')


def assert_the_same_locks(folder, *args):
    found = []
    for program in (BLKSCOPE, REFERENCE):
        with Holder([program, 'qemu-io', *args], folder) as process:
            found.append(locks_of(process, folder))
    assert found[0] == found[1]


@pytest.mark.parametrize('mode', ['read', 'write'])
@pytest.mark.parametrize('name', FILTERS)
def test_filters_lock_the_same_bytes(folder, name, mode):
    if mode == 'write' or name not in FOR_WRITING:
        assert_the_same_locks(folder, '--object', 'throttle-group,id=t', *MODES[mode], '--image-opts', FILTERS[name])


@pytest.mark.parametrize('image', IMAGES)
@pytest.mark.parametrize('began, then', [('read', 'write'), ('write', 'read')])
def test_reopened_locks_the_same_bytes(folder, image, began, then):
    """As if it had been opened so; and as it was when that can't be."""
    locks = {}
    for mode in (began, then):
        with Holder(io(REFERENCE, mode, image), folder) as process:
            locks[mode] = locks_of(process, folder)
    options = {'read': 'reopen -r', 'write': 'reopen -w'}
    holder = Holder(io(BLKSCOPE, began, image), folder)
    with holder as process:
        for mode in (then, began, then):
            holder.run(options[mode], 'length')
            assert locks_of(process, folder) == locks[mode], mode


def test_others_may_keep_the_size_as_it_is(folder):
    """Who only forbids that the file is resized is not passed over when the image becomes writable."""
    subprocess.run(['qemu-img', 'create', '-q', '-f', 'qcow2', '-o', 'preallocation=full', 'full.qcow2', '1M'], cwd=folder, check=True)
    keeps = 'driver=blkdebug,image.driver=file,image.filename=full.qcow2,unshare-child-perms.0=resize'
    with Holder([REFERENCE, 'qemu-io', '-r', '--image-opts', keeps], folder):
        result = blkscope('--no-sandbox', '-c', 'reopen -w', '-c', 'write 0 512', '-f', 'qcow2', 'full.qcow2', cwd=folder)
    assert 'Failed to get "resize" lock' in result.err and 'wrote' not in result.out, result


@pytest.mark.parametrize('image', IMAGES)
def test_copying_locks_the_same_bytes(folder, image):
    assert_the_same_locks(folder, '-C', *IMAGES[image])


@pytest.mark.parametrize('image', IMAGES)
def test_own_readers_take_none(folder, image):
    with Holder([BLKSCOPE, 'blkscope', *IMAGES[image]], folder) as process:
        assert locks_of(process, folder) == {}
        for mode in MODES:
            assert outcome(io(REFERENCE, mode, image), folder)[0] == 0


def test_own_readers_look_and_say_who(folder):
    with Holder(io(REFERENCE, 'write', 'qcow2'), folder) as process:
        refused = blkscope('-c', 'length', 'alone.qcow2', cwd=folder)
        assert refused.status == 1 and 'Failed to get shared "write" lock' in refused.err
        shared = blkscope('-U', '-c', 'chain', 'alone.qcow2', cwd=folder)
        assert f'locked: qemu-io (pid {process.pid}) is writing to alone.qcow2 and lets nobody else write' in shared.out
        screen = blkscope('-U', '--headless', '-c', 'screen', 'alone.qcow2', cwd=folder)
        assert 'is writing to' in screen.out
    with Holder(io(REFERENCE, 'read', 'qcow2'), folder), Holder(io(REFERENCE, 'read', 'qcow2'), folder):
        several = blkscope('-U', '-c', 'chain', 'alone.qcow2', cwd=folder)
        assert '), qemu-io (pid ' in several.out and ') have open alone.qcow2 and let nobody else write' in several.out, several
