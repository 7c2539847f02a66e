# SPDX-License-Identifier: GPL-3.0-or-later
"""
A name comes to mean another file before each of the program's calls that use it, in turn: what was opened first is what is read and written, or it
is refused; never a part of one and a part of the other, never a byte in a file that nobody looked at.
"""
import ctypes
import hashlib
import os
import re
import shutil
import struct
import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent.parent / 'qcow2'))

import images  # noqa: E402
import support  # noqa: E402
from support import MIB  # noqa: E402

pytestmark = pytest.mark.skipif(support.FLAVOUR != '', reason='the library has to be the first that is preloaded')
LIBRARY = Path(support.BLKSCOPE).parent / 'tests/swaps/swaps.so'
COUNTERS = struct.Struct('<qq')
EXCHANGE, NOWHERE = 2, -100
READ = ['read -v 0 512', 'read -v 1M 512', 'map']
# Whatever is refused says so of the file, and in one of these ways.
REFUSED = re.compile(r"is not the file any more that it was|driver requires|Could not open|can't open|not followed|Could not read|Image is in|not in .* format|"
                     r'closed: it can.t be opened again|another size than')


def qemu_img(*args):
    subprocess.run(['qemu-img', *map(str, args)], check=True, stdout=subprocess.DEVNULL)


def fill(path, letter, format, size=4 * MIB):
    """An image whose disk is full of one letter as far as it is read here; in each the second part lies elsewhere."""
    if format == 'raw':
        path.write_bytes(letter * (2 * MIB) + bytes(size - 2 * MIB))
        return
    qemu_img('create', '-q', '-f', format, path, size)
    order = ['0 64k', '1M 64k'] if letter == b'a' else ['1M 64k', '3M 64k', '0 64k']
    for place in order:
        subprocess.run(['qemu-io', '-f', format, '-c', f'write -q -P {letter[0]} {place}', path], check=True)


def other(path, kind, format):
    """What takes the place of an image: B."""
    if kind == 'same format':
        fill(path, b'b', format)
    elif kind == 'raw':
        fill(path, b'b', 'raw')
    elif kind == 'qcow2':
        fill(path, b'b', 'qcow2')
    elif kind == 'empty':
        path.write_bytes(b'')
    elif kind == 'shorter':
        fill(path, b'b', format)
        os.truncate(path, path.stat().st_size // 2)
    elif kind == 'pipe':
        os.mkfifo(path)
    elif kind == 'device':
        path.symlink_to('/dev/zero')
    elif kind == 'folder':
        path.mkdir()
    elif kind == 'names others':
        for folder in (path.parent, path.parent.parent):
            fill(folder / 'secret', b's', 'raw')
        path.write_text('# Disk DescriptorFile\nversion=1\nCID=1\nparentCID=ffffffff\ncreateType="monolithicFlat"\n'
                        f'RW {4 * MIB // 512} FLAT "secret" 0\n')


KINDS = ['same format', 'raw', 'qcow2', 'empty', 'shorter', 'pipe', 'device', 'folder']


class Run:
    def __init__(self, result, calls, opened, files):
        self.result, self.calls, self.opened, self.files = result, calls, opened, files


class Scene:
    """A folder with both files, copied for each run; how is `file`, `link` or `folder`: what is exchanged."""

    def __init__(self, work, how, prepare, args, script, *, top='x.img', drop_in=False, status=0):
        self.work, self.how, self.args, self.script, self.runs = work, how, args, script, 0
        self.top, self.drop_in, self.status = top, drop_in, status
        self.library = Path(shutil.copy(LIBRARY, work / 'swaps.so'))
        self.master = work / 'master'
        (self.master / 'b').mkdir(parents=True)
        prepare(self.master, self.master / 'b' / 'x.img')
        if how == 'link':
            (self.master / 'x.img').rename(self.master / 'x.real')
            (self.master / 'x.img').symlink_to('x.real')
            (self.master / 'y.img').symlink_to('b/x.img')
            self.names = 'x.img', 'y.img'
        elif how == 'folder':
            (self.master / 'a').mkdir()
            (self.master / 'x.img').rename(self.master / 'a' / 'x.img')
            self.names = 'a', 'b'
        else:
            self.names = 'x.img', 'b/x.img'

    def place(self, folder, which):
        if self.how == 'link':
            return folder / ('x.real' if which == 'a' else 'b/x.img')
        if self.how == 'folder':
            return folder / which / 'x.img'
        return folder / ('x.img' if which == 'a' else 'b/x.img')

    def run(self, at=0, back=False, swapped=False, name='x.img', **changes):
        self.runs += 1
        folder, counters = self.work / f'{self.runs}', self.work / 'counters'
        shutil.copytree(self.master, folder, symlinks=True, copy_function=shutil.copy2, ignore=lambda top, names: [n for n in names if Path(top, n).is_fifo()])
        for pipe in (p for p in self.master.rglob('*') if p.is_fifo()):
            os.mkfifo(folder / pipe.relative_to(self.master))
        exchange = [os.fsencode(folder / name) for name in self.names]
        if swapped:
            assert ctypes.CDLL(None).renameat2(NOWHERE, exchange[0], NOWHERE, exchange[1], EXCHANGE) == 0
        before = {which: self.inode(folder, which, swapped) for which in 'ab'}
        counters.write_bytes(bytes(COUNTERS.size))
        env = support.environment(LD_PRELOAD=str(self.library), SWAP_COUNTERS=str(counters), SWAP_NAME=name, SWAP_AT=str(at),
                                  SWAP_THIS=str(folder / self.names[0]), SWAP_THAT=str(folder / self.names[1]), XDG_STATE_HOME=str(folder / 'state'),
                                  TMPDIR=str(folder), **changes, **({'SWAP_BACK': '1'} if back else {}))
        top = ('a/' if self.how == 'folder' else '') + self.top
        args = [*self.args, top] if self.drop_in else ['--no-sandbox', *self.args, '--script', '/dev/stdin', top]
        result = support.run(args, name='qemu-io' if self.drop_in else 'blkscope', cwd=folder, env=env, input=''.join(line + '\n' for line in self.script), deadline=20)
        result.out = support.without_times(result.out)
        calls, opened = COUNTERS.unpack(counters.read_bytes())
        assert not list(folder.glob('blkscope-nbd-*'))
        after = {which: digest(folder, inode) for which, inode in before.items()}
        shutil.rmtree(folder)
        return Run(result, calls, opened, after)

    def inode(self, folder, which, swapped):
        if swapped and self.how != 'link':
            which = 'b' if which == 'a' else 'a'
        path = self.place(folder, which)
        return path.lstat().st_ino

    def check(self, writes=False):
        clean = {'a': self.run(), 'b': self.run(swapped=True)}
        assert clean['a'].result.status == self.status, clean['a'].result
        assert clean['a'].result.out != clean['b'].result.out
        untouched = {which: self.run_nothing(which) for which in 'ab'}
        assert clean['a'].files['b'] == untouched['b'] and (clean['a'].files['a'] == untouched['a']) != writes
        outcomes = set()
        for back in (False, True):
            at, calls = 1, clean['a'].calls
            while at <= calls:
                run = self.run(at, back)
                self.judge(run, at, back, clean, untouched, outcomes)
                calls, at = max(calls, min(run.calls, 60)), at + 1
        return outcomes

    def run_nothing(self, which):
        return digest_of(self.place(self.master, which))

    def judge(self, run, at, back, clean, untouched, outcomes):
        first = 'b' if run.opened and (at == run.opened if back else at <= run.opened) else 'a'
        second = 'a' if first == 'b' else 'b'
        about = f'exchanged before call {at} of {run.calls}{", and back" if back else ""}; opened first by call {run.opened}: {first}\n{run.result}'
        assert run.result.status in (0, 1), about
        assert run.files[second] == untouched[second], f'the other file was written to: {about}'
        if run.result.out == clean[first].result.out and run.result.status == clean[first].result.status:
            assert run.files[first] == clean[first].files[first], about
            outcomes.add(first)
        else:
            assert run.result.status == 1 and REFUSED.search(run.result.err), about
            assert 'x.img' in run.result.err, about
            known = set(clean[first].result.out.splitlines())
            assert all(line in known or not re.match(r'[0-9a-f]{8}: ', line) for line in run.result.out.splitlines()), about
            assert 'is not the file any more' not in run.result.err or 'another file has taken its name' in run.result.err or self.drop_in, about
            outcomes.add('refused')


def digest_of(path):
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() and not path.is_symlink() else None


def digest(folder, inode):
    """Of the file that had that inode number, whatever it is called now."""
    for path in folder.rglob('*'):
        if path.lstat().st_ino == inode:
            return digest_of(path)
    return None


def image(format):
    return lambda kind: lambda folder, b: (fill(folder / 'x.img', b'a', format), other(b, kind, format))


GUESSED = [('qcow2', KINDS), ('raw', KINDS[:1] + KINDS[2:]), ('vdi', KINDS), ('vmdk', [*KINDS, 'names others']), ('parallels', ['same format', 'raw', 'pipe'])]


@pytest.mark.parametrize('how', ['file', 'link', 'folder'])
@pytest.mark.parametrize('format', ['qcow2', 'raw', 'vmdk'])
def test_guessed_image(work, format, how):
    outcomes = Scene(work, how, image(format)('same format'), [], READ).check()
    assert outcomes >= {'a', 'b'}


@pytest.mark.parametrize('format,kind', [(format, kind) for format, kinds in GUESSED for kind in kinds])
def test_guessed_image_and_anything(work, format, kind):
    Scene(work, 'file', image(format)(kind), [], READ).check()


@pytest.mark.parametrize('format,kind', [(format, kind) for format, kinds in GUESSED for kind in kinds if kind in ('same format', 'pipe', 'names others')])
def test_named_format(work, format, kind):
    Scene(work, 'file', image(format)(kind), ['-f', format], READ).check()


@pytest.mark.parametrize('format', ['qcow2', 'raw', 'vdi'])
@pytest.mark.parametrize('kind', ['same format', 'raw', 'qcow2'])
def test_writing(work, format, kind):
    if kind != format:
        Scene(work, 'file', image(format)(kind), ['-w'], ['write -q -P 0x63 4k 4k', *READ, 'read -v 4k 512']).check(writes=True)


def test_all_references_of_an_image_in_another_format(work):
    Scene(work, 'file', image('vmdk')('same format'), ['-r', '-f', 'vmdk'], READ, drop_in=True).check()


@pytest.mark.parametrize('args', [[], ['-f', 'vmdk']])
def test_a_description_written_over_the_image_when_it_was_looked_at(work, args):
    """The same file all the time; the names of others are in it when qemu-nbd opens it."""
    scene = Scene(work, 'file', image('vmdk')('names others'), args, READ)
    description = scene.master / 'b' / 'x.img'
    description.write_text(description.read_text().replace('"secret"', f'"{work}/secret"') + '#' * 512)
    fill(work / 'secret', b's', 'raw')
    runs, at, name = [], 1, '/proc/self/fd/4'
    while at <= scene.run(name=name).calls:
        runs.append(scene.run(at, name=name, SWAP_POUR='1').result)
        at += 1
    assert not any('sss' in run.out for run in runs), runs
    assert any('names other files that hold its bytes' in run.err for run in runs), runs


# ---- opened again ----

@pytest.mark.parametrize('kind', ['same format', 'raw', 'device', 'pipe'])
def test_another_format(work, kind):
    Scene(work, 'file', image('qcow2')(kind), [], ['read -v 0 512', 'read-as raw', 'read -v 0 512', 'read-as guess', *READ]).check()


@pytest.mark.parametrize('kind', ['same format', 'qcow2', 'device', 'pipe'])
def test_written_back(work, kind):
    """What is in a temporary layer goes to the file it was written over."""
    script = ['read -v 0 512', 'write -q -P 0x63 4k 4k', 'overlay commit -y', *READ, 'read -v 4k 512']
    for format in ('raw', 'qcow2'):
        if kind != format:
            (work / format).mkdir()
            Scene(work / format, 'file', image(format)(kind), ['-w', '-s'], script).check(writes=True)


def test_compared_with_a_snapshot(work):
    def prepare(folder, b):
        for path, letter in ((folder / 'x.img', b'a'), (b, b'b')):
            fill(path, letter, 'qcow2')
            qemu_img('snapshot', '-c', 's', path)
            subprocess.run(['qemu-io', '-f', 'qcow2', '-c', f'write -q -P 9 {1 if letter == b"a" else 3}M 4k', path], check=True)
    Scene(work, 'file', prepare, [], ['compare @s', *READ], status=1).check()


# ---- what an image names ----

def below(role, format='qcow2'):
    """x.img is what top.qcow2 names."""
    def make(kind):
        def prepare(folder, b):
            if role == 'backing':
                fill(folder / 'x.img', b'a', format)
                qemu_img('create', '-q', '-f', 'qcow2', '-b', 'x.img', '-F', format, folder / 'top.qcow2', 4 * MIB)
            else:
                images.create(folder / 'top.qcow2', 4 * MIB, data_file='x.img')
                images.write(folder / 'top.qcow2', 'write -q -P 0x61 0 2M')
            other(b, kind, format)
        return prepare
    return make


def scene_below(work, make, kind, args, script):
    return Scene(work, 'file', make(kind), args, script, top='top.qcow2')


@pytest.mark.parametrize('kind', KINDS)
@pytest.mark.parametrize('format', ['qcow2', 'raw'])
def test_backing_file(work, format, kind):
    if kind != format:
        scene_below(work, below('backing', format), kind, [], READ).check()


@pytest.mark.parametrize('kind', KINDS)
def test_backing_file_agreed_to(work, kind):
    """Here the file that is looked at first is the one people are told of."""
    scene_below(work, below('backing'), kind, ['--refs=ask'], ['follow backing', *READ]).check()


@pytest.mark.parametrize('kind', KINDS[1:])
def test_data_file(work, kind):
    scene_below(work, below('data-file', 'raw'), kind, [], READ).check()


@pytest.mark.parametrize('kind', ['raw', 'device', 'pipe'])
def test_data_file_written_to(work, kind):
    scene_below(work, below('data-file', 'raw'), kind, ['-w'], ['write -q -P 0x63 4k 4k', *READ, 'read -v 4k 512']).check(writes=True)


@pytest.mark.parametrize('kind', ['raw', 'device', 'pipe'])
def test_data_file_written_back_to(work, kind):
    scene_below(work, below('data-file', 'raw'), kind, ['-w', '-s'], ['read -v 0 512', 'write -q -P 0x63 4k 4k', 'overlay commit -y', *READ]).check(writes=True)
