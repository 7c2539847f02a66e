# SPDX-License-Identifier: GPL-3.0-or-later
"""Without -w nothing changes: for every format and every command that `help` lists, no byte, size, time or lock of any of the image's files.

The proof is by the file system: what stat(2) and /proc/locks say between two commands, and at the end.  Access times are set so that any read would
change them where the mount has them; those of files that a qemu-nbd reads are its own affair.
"""
import collections
import contextlib
import functools
import hashlib
import os
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parent.parent / 'nbd'))

import support  # noqa: E402
from servers import qemu_nbd  # noqa: E402
from session import session  # noqa: E402
from support import MIB  # noqa: E402

LONG_AGO, NOT_SO_LONG_AGO = 10**18, 2 * 10**18  # accessed before it was written: also relatime has a read change that
TELLINGS = 40  # of the kernel's list of locks
CLOCK_REALTIME_COARSE = 5  # clock_gettime(2): what file systems take times from; Python has no name for it
SECRET = ['--object', 'secret,id=s,data=correct-horse']


def tool(*args):
    subprocess.run([str(arg) for arg in args], check=True, stdout=subprocess.DEVNULL)


def fill(path, kind, *args):
    tool('qemu-io', *args, '-f', kind, '-c', 'write -P 5 0 1M', '-c', 'write -P 6 3M 64k', '-c', 'write -z 2M 64k', path)


def make(path, kind, *options):
    tool('qemu-img', 'create', '-q', '-f', kind, *options, path, '8M')
    fill(path, kind)
    return path


# ---- images: each returns the arguments of the program and which files are served by another program ----

def plain(kind, *options):
    def build(work):
        return [make(work / 'disk', kind, *options)], kind not in ('raw', 'qcow2')
    return build


def raw(work):
    return ['-f', 'raw', make(work / 'disk', 'raw')], False


def device_alike(work):
    return ['-f', 'raw', '-t', 'none', make(work / 'disk', 'raw')], False


def backing(work):
    make(work / 'base', 'raw')
    tool('qemu-img', 'create', '-q', '-f', 'qcow2', '-b', work / 'base', '-F', 'raw', work / 'middle')
    tool('qemu-img', 'create', '-q', '-f', 'qcow2', '-b', work / 'middle', '-F', 'qcow2', work / 'disk')
    tool('qemu-io', '-f', 'qcow2', '-c', 'write -P 8 4M 64k', work / 'middle')
    return [work / 'disk'], False


def data_file(work):
    return [make(work / 'disk', 'qcow2', '-o', f'data_file={work / "data"}')], False


def dirty(work):
    path = make(work / 'disk', 'qcow2', '-o', 'lazy_refcounts=on')
    subprocess.run(['qemu-io', '-f', 'qcow2', '-c', 'write -P 9 5M 64k', '-c', 'flush', '-c', 'sigraise 9', path], stdout=subprocess.DEVNULL)
    assert path.read_bytes()[79] & 1  # incompatible feature bit 0
    return [path], False


def corrupt(work):
    path = make(work / 'disk', 'qcow2')
    with open(path, 'r+b') as file:
        file.seek(79)
        file.write(b'\x02')
    return [path], False


def bitmaps(work):
    path = make(work / 'disk', 'qcow2')
    tool('qemu-img', 'bitmap', '--add', path, 'b0')
    tool('qemu-io', '-f', 'qcow2', '-c', 'write -P 4 1M 64k', path)
    return [path], False


def snapshots(work):
    path = make(work / 'disk', 'qcow2')
    tool('qemu-img', 'snapshot', '-c', 's0', path)
    tool('qemu-io', '-f', 'qcow2', '-c', 'write -P 4 0 64k', path)
    return [path], False


def compressed(work):
    tool('qemu-img', 'convert', '-c', '-O', 'qcow2', make(work / 'plain', 'raw'), work / 'disk')
    (work / 'plain').unlink()
    return [work / 'disk'], False


def blkdebug(work):
    return ['-f', 'raw', f'blkdebug::{make(work / "disk", "raw")}'], False


def overlaid(work):
    return ['-s', make(work / 'disk', 'qcow2')], False


def shared(work):
    return ['-U', make(work / 'disk', 'qcow2')], False


@functools.lru_cache(None)
def encrypted_bytes(folder, kind):
    """Making one takes seconds, on purpose."""
    path = Path(folder) / 'disk'
    options = 'key-secret=s,iter-time=10' if kind == 'luks' else 'encrypt.format=luks,encrypt.key-secret=s,encrypt.iter-time=10'
    support.create_encrypted('-f', kind, *SECRET, '-o', options, path, '8M')
    return path.read_bytes()


def encrypted(kind):
    def build(work):
        encrypted_bytes(str(work), kind)
        key = 'key-secret=s' if kind == 'luks' else 'encrypt.key-secret=s'
        return [*SECRET, '--image-opts', f'driver={kind},{key},file.filename={work / "disk"}'], True
    return build


def nbd(work):
    make(work / 'disk', 'raw')
    return ['-f', 'raw', f'nbd+unix:///?socket={work / "socket"}'], True


FORMATS = {
    'raw': raw, 'raw-direct': device_alike, 'qcow2-v2': plain('qcow2', '-o', 'compat=0.10'), 'qcow2-v3': plain('qcow2'),
    'qcow2-extended-l2': plain('qcow2', '-o', 'extended_l2=on'), 'qcow2-backing': backing, 'qcow2-data-file': data_file, 'qcow2-dirty': dirty,
    'qcow2-corrupt': corrupt, 'qcow2-bitmaps': bitmaps, 'qcow2-snapshots': snapshots, 'qcow2-compressed': compressed, 'qcow2-encrypted': encrypted('qcow2'),
    'luks': encrypted('luks'), 'blkdebug': blkdebug, 'overlaid': overlaid, 'shared': shared, 'nbd': nbd,
    **{kind: plain(kind) for kind in ('vmdk', 'vdi', 'vhdx', 'vpc', 'qed', 'qcow', 'parallels')},
}

# ---- commands: those of the screen as well; each is given what makes it work, and what is not listed here general words ----

GENERAL = ['', '0', '0 64k', '0 64k 64k', 'x', '-y', 'on']
WORDS = {
    'abort': [], 'quit': [], 'sigraise': [], 'help': ['', 'read'], 'sleep': ['1'], 'wait_break': ['nothing'],
    'aio_write': ['-P 7 0 64k', '-z 0 64k'], 'write': ['-P 7 0 64k', '-z 1M 64k', '-zu 1M 64k', '-c 0 64k', '-b 0 1k', '-f -n 0 4k'], 'writev': ['-P 7 0 4k 4k'],
    'multiwrite': ['-P 7 0 4k ; 8k 4k'], 'poke': ['0 01 02', '-t 0 text'],
    'break': ['read_aio A', 'l2_load A', 'write_aio B'], 'resume': ['A'], 'remove_break': ['A', 'B'], 'read': ['0 64k', '-v 0 512', '-b 0 512', '7M 1M'],
    'aio_read': ['0 1M'], 'readv': ['0 4k 4k'], 'check': ['', '-r leaks', '-r all'], 'chain': ['', '-s'],
    'map': ['', '--json', '--extents', '--summary', '--host', 'export OUT'], 'compare': ['', '-m', '-f raw OTHER', '-s s0'], 'bitmaps': ['', 'b0'],
    'explain': ['0', '--host 0'], 'create': ['-f qcow2 OUT 8M', '-y -f raw DISK 8M', '-y -f qcow2 -b DISK -F raw DISK'], 'truncate': ['0', '1M', '100M', '-m full 16M'],
    'reopen': ['-w', '-r', '-c none', '-c unsafe', '-o read-only=off', '-w -o read-only=off'], 'relink': ['backing OTHER', 'data-file OTHER'],
    'follow': ['all', 'backing', 'none'], 'read-as': ['raw', 'qcow2'], 'open': ['DISK', '-w DISK', '-w -o driver=raw,file.filename=DISK', '-s DISK', '-C DISK'],
    'overlay': ['', 'start', 'diff', 'commit', 'commit -y', 'undo', 'redo', 'discard'], 'inject': ['event=write_aio', '-r 1'], 'source': ['SCRIPT'],
    'search': ['-x 0505', 'text'], 'save-script': ['OUT', '-f OUT', '-f DISK'], 'hex-save': ['OUT 0 64k', 'DISK 0 64k'],
    'do': ['cancel', 'refresh'], 'keys': ['Tab', 'g'], 'type': ['x'], 'hex-edit': ['on', 'off'],
}


def commands(run):
    """Every command that the program lists, with its words."""
    names = re.findall(r'^([a-z_-]+) .*-- ', run('help'), re.M)
    names += re.findall(r'^([a-z_-]+) -- ', run('help'), re.M)
    names = list(dict.fromkeys(names))
    assert len(names) > 100 and {'write', 'create', 'reopen', 'hex-save'} <= set(names)
    return [f'{name} {words}'.strip() for name in names for words in WORDS.get(name, GENERAL)]


# ---- the state of files ----

def times_are_kept(work):
    """Whether a read changes an access time here."""
    probe = work / 'probe'
    probe.write_bytes(b'x' * 4096)
    os.utime(probe, ns=(LONG_AGO, NOT_SO_LONG_AGO))
    probe.read_bytes()
    changed = os.stat(probe).st_atime_ns != LONG_AGO
    probe.unlink()
    return changed


def look(files, atime):
    seen = {}
    for path in files:
        st = os.stat(path)
        seen[path.name] = (st.st_ino, st.st_size, st.st_blocks, st.st_mtime_ns, st.st_ctime_ns, st.st_mode, *([st.st_atime_ns] if atime else []))
    return seen


def contents(files):
    """Without an access of ours: O_NOATIME."""
    digests = {}
    for path in files:
        fd = os.open(path, os.O_RDONLY | os.O_NOATIME)
        with open(fd, 'rb') as file:
            digests[path.name] = hashlib.sha256(file.read()).hexdigest()
    return digests


def locks_told(files):
    inodes = {f':{os.stat(path).st_ino} ' for path in files}
    return tuple(sorted(' '.join(line.split()[1:]) for line in Path('/proc/locks').read_text().splitlines() if any(inode in line + ' ' for inode in inodes)))


def locks(files):
    """The kernel tells its list a page at a time, and a lock twice or not at all where other programs take and give back some meanwhile."""
    return collections.Counter(locks_told(files) for _ in range(TELLINGS)).most_common(1)[0][0]


def are_locks(files, expected):
    return any(locks_told(files) == expected for _ in range(TELLINGS))


@pytest.mark.parametrize('kind', FORMATS)
def test_nothing_changes(work, kind, tmp_path_factory):
    aside = tmp_path_factory.mktemp('aside')
    args, served = FORMATS[kind](work)
    files = sorted(path for path in work.iterdir() if path.is_file())
    (aside / 'other').write_bytes(b'o' * MIB)
    (aside / 'script').write_text('length\nwrite 0 512\nreopen -w\n')
    for path in files:
        os.utime(path, ns=(LONG_AGO, NOT_SO_LONG_AGO))
    while time.clock_gettime_ns(CLOCK_REALTIME_COARSE) <= max(os.stat(path).st_ctime_ns for path in files):
        os.sched_yield()  # a change from here on has another time
    before = contents(files)
    atime = not served and times_are_kept(aside)
    with contextlib.ExitStack() as stack:
        if kind == 'nbd':
            stack.enter_context(qemu_nbd(work / 'socket', '-r', '-f', 'raw', work / 'disk'))
        state, held = look(files, atime), locks(files)
        running = stack.enter_context(session('--headless', *args, cwd=aside))
        open_line = 'open -o driver=raw,file.filename=' + str(work / 'disk') if kind == 'raw' else None
        for number, line in enumerate(commands(running.run)):
            command = line.replace('OUT', f'out-{number}').replace('DISK', str(work / 'disk')).replace('OTHER', 'other').replace('SCRIPT', 'script')
            said = running.run(command)
            assert running.process.poll() is None, (command, said)
            assert look(files, atime) == state, command
            assert are_locks(files, held), (command, held, locks(files))
            if 'no file open' in running.run('length'):
                running.run(open_line or f'open {work / "disk"}')
        if not served:
            assert are_locks(files, held), locks(files)
        running.end()
        assert look(files, atime) == state
        assert contents(files) == before
        if kind != 'nbd':
            assert are_locks(files, ()), locks(files)


@pytest.mark.parametrize('kind', ['raw', 'qcow2-v3', 'qcow2-dirty', 'vdi'])
@pytest.mark.parametrize('command', ['abort', 'quit', 'sigraise 9', 'sigraise 15'])
def test_nothing_changes_at_the_end_either(work, kind, command):
    args, served = FORMATS[kind](work)
    files = sorted(path for path in work.iterdir() if path.is_file())
    for path in files:
        os.utime(path, ns=(LONG_AGO, NOT_SO_LONG_AGO))
    before, state = contents(files), look(files, not served)
    support.blkscope(*args, '-c', 'read -q 0 1M', '-c', command)
    assert look(files, not served) == state and contents(files) == before


def test_every_format_is_here(work):
    """What the program can open and this proof does not know."""
    drivers = set(re.findall(r"'([a-z0-9-]+)'", (support.CHECKOUT / 'tests/nbd/test_formats.py').read_text().split('FORMATS = [')[1].split(']')[0]))
    assert drivers <= set(FORMATS)
