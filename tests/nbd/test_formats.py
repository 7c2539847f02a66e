# SPDX-License-Identifier: GPL-3.0-or-later
"""Formats that are read through a qemu-nbd of the program's own: same output, no leftovers, no secrets in the open."""
import contextlib
import functools
import os
import shutil
import select
import subprocess
import tempfile
import time
from pathlib import Path

import pytest

import support
from support import KIB, MIB

FORMATS = ['vmdk', 'vdi', 'vhdx', 'vpc', 'qed', 'qcow', 'parallels']
SECRET = ['--object', 'secret,id=s,data=correct-horse']


def make(path, kind, *args):
    subprocess.run(['qemu-img', 'create', '-q', '-f', kind, *args, path, '8M'], check=True)
    return path


@functools.lru_cache(None)
def encrypted_bytes(kind):
    """Making one takes seconds, on purpose."""
    options = 'key-secret=s,iter-time=10' if kind == 'luks' else 'encrypt.format=luks,encrypt.key-secret=s,encrypt.iter-time=10'
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / 'disk'
        support.create_encrypted('-f', kind, *SECRET, '-o', options, path, '8M')
        return path.read_bytes()


def make_encrypted(path, kind):
    path.write_bytes(encrypted_bytes(kind))
    return path


def words(lines):
    return [word for line in lines for word in ('-c', line)]


def temporary(work):
    """An environment whose temporary folder is the test's own, so that leftovers show."""
    (work / 'tmp').mkdir(exist_ok=True)
    return support.environment(TMPDIR=str(work / 'tmp'))


def helpers(marker):
    """Process numbers of the qemu-nbd whose command line has marker in it."""
    found = []
    for folder in Path('/proc').iterdir():
        if folder.name.isdigit():
            try:
                line = (folder / 'cmdline').read_bytes()
            except OSError:
                continue
            if b'qemu-nbd' in line and str(marker).encode() in line:
                found.append((int(folder.name), line))
    return found


@pytest.mark.parametrize('kind', FORMATS)
def test_same_as_the_reference(work, kind):
    lines = ['length', 'write -P 7 64k 64k', 'read -P 7 64k 64k', 'read -v 65530 12', 'write -z 1M 64k', 'discard 64k 32k', 'map', 'alloc 0 1M',
             'aio_write -P 3 2M 64k', 'aio_flush', 'flush', 'read -P 3 2M 64k', 'write 65536000 1k']
    results = []
    for folder, run in (('theirs', support.reference), ('ours', support.drop_in)):
        (work / folder).mkdir()
        make(work / folder / f'disk.{kind}', kind)
        results.append(run('-f', kind, *words(lines), f'disk.{kind}', cwd=work / folder, env=temporary(work)))
    assert support.without_times(results[1].out) == support.without_times(results[0].out)
    assert results[1].status == results[0].status
    compare = subprocess.run(['qemu-img', 'compare', '-f', kind, '-F', kind, work / 'theirs' / f'disk.{kind}', work / 'ours' / f'disk.{kind}'],
                             capture_output=True, text=True, check=False)
    assert compare.returncode == 0, compare.stdout
    assert list((work / 'tmp').iterdir()) == []


@pytest.mark.parametrize('kind', FORMATS)
def test_recognised_and_read_only(work, kind):
    image = make(work / f'disk.{kind}', kind)
    before = image.read_bytes(), image.stat().st_mtime_ns
    result = support.blkscope('-c', 'info', '-c', 'read -P 0 0 4k', '-c', 'write 0 4k', image, env=temporary(work))
    assert f'format name: {kind}\n' in result.out and 'read 4096/4096' in result.out, result
    assert 'wrote' not in result.out
    assert (image.read_bytes(), image.stat().st_mtime_ns) == before
    assert list((work / 'tmp').iterdir()) == []


def test_a_key_is_asked_for(work):
    image = make_encrypted(work / 'disk', 'luks')
    result = support.blkscope('-c', 'length', image)
    hint = '  it needs its key: --object secret,id=k,file=PATH --image-opts driver=luks,key-secret=k,file.filename=IMAGE\n'
    assert "'key-secret' is required" in result.err and result.err.endswith(hint) and result.status == 1


@pytest.mark.parametrize('kind, options', [('luks', 'key-secret=s'), ('qcow2', 'encrypt.format=luks,encrypt.key-secret=s')])
def test_encrypted(work, kind, options):
    image = make_encrypted(work / 'disk', kind)
    where = f'driver={kind},{options},file.filename={image}'
    result = support.blkscope('-w', *SECRET, '--image-opts', '-c', 'write -P 9 1M 64k', '-c', 'read -P 9 1M 64k', where)
    assert result.status == 0 and 'read 65536/65536' in result.out, result
    assert b'\x09' * 512 not in image.read_bytes(), 'it is encrypted'
    theirs = support.reference('-r', *SECRET, '--image-opts', '-c', 'read -P 9 1M 64k', where)
    assert 'read 65536/65536' in theirs.out, theirs
    wrong = support.blkscope('--object', 'secret,id=s,data=wrong', '--image-opts', '-c', 'length', where)
    assert 'Invalid password' in wrong.err and wrong.status == 1, wrong
    missing = support.blkscope('--image-opts', '-c', 'length', where)
    assert "No secret with id 's'" in missing.err, missing


def test_secret_in_a_file(work):
    (work / 'key').write_text('correct-horse')
    image = make_encrypted(work / 'disk', 'luks')
    result = support.blkscope('--object', f'secret,id=s,file={work / "key"}', '--image-opts', '-c', 'length',
                              f'driver=luks,key-secret=s,file.filename={image}')
    assert result.out == '8 MiB\n', result


class Session:
    """The program with an image open, until it is told to end."""

    def __init__(self, work, *args):
        self.process = subprocess.Popen([support.BLKSCOPE, *args], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.STDOUT, env=temporary(work), bufsize=0)
        self.ask('length', 'MiB')

    def say(self, line):
        self.process.stdin.write(f'{line}\n'.encode())

    def ask(self, line, answer):
        self.say(line)
        text = b''
        while answer.encode() not in text:
            ready, _, _ = select.select([self.process.stdout], [], [], support.DEADLINE)
            more = self.process.stdout.read(4096) if ready else b''
            assert more, f'{line} was not answered: {text}'
            text += more

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.communicate()


def test_no_secret_in_a_command_line(work):
    image = make_encrypted(work / 'disk', 'luks')
    with Session(work, *SECRET, '--image-opts', f'driver=luks,key-secret=s,file.filename={image}'):
        found = helpers(image)
        assert len(found) == 1 and b'correct-horse' not in found[0][1], found
        environment = Path(f'/proc/{found[0][0]}/environ').read_bytes()
        assert b'correct-horse' not in environment
        assert list((work / 'tmp').iterdir()) == [], 'no socket while it runs'


def ended(pid):
    """Waits until a process is gone: its /proc entry, as it is not a child of this one."""
    for _ in range(support.DEADLINE * 100):
        try:
            if Path(f'/proc/{pid}/stat').read_text().rsplit(')', 1)[1].split()[0] == 'Z':
                return True
        except OSError:
            return True
        time.sleep(0.01)
    return False


def test_ends_with_us(work):
    """Also when we are killed."""
    image = make(work / 'disk.vdi', 'vdi')
    with Session(work, image) as session:
        (pid, _), = helpers(image)
        session.process.kill()
        session.process.wait()
        assert ended(pid)


def test_ends_with_us_also_while_it_starts(work):
    """qemu-nbd hears no SIGTERM yet; nor is anything left of a socket that it has not taken over."""
    image, folder = make(work / 'disk.vdi', 'vdi'), work / 'bin'
    folder.mkdir()
    for fifo in 'started', 'go':
        os.mkfifo(work / fifo)
    (folder / 'qemu-nbd').write_text(f'#!/bin/sh\ntrap "" TERM\necho $$ > {work}/started\nread go < {work}/go\nLISTEN_PID=$$ exec {shutil.which("qemu-nbd")} "$@"\n')
    (folder / 'qemu-nbd').chmod(0o755)
    env = temporary(work)
    process = subprocess.Popen([support.BLKSCOPE, '-w', '-c', 'length', image], env={**env, 'PATH': f'{folder}:{env["PATH"]}'})
    pid = int((work / 'started').read_text())
    assert list((work / 'tmp').iterdir()) == []
    process.kill()
    process.wait()
    with contextlib.suppress(OSError):  # there is nobody to read it
        os.write(os.open(work / 'go', os.O_WRONLY | os.O_NONBLOCK), b'go\n')
    assert ended(pid)


def test_ends_with_the_image(work):
    image = make(work / 'disk.vdi', 'vdi')
    with Session(work, image) as session:
        (pid, _), = helpers(image)
        session.say('close')
        session.ask('length', 'no file open')
        assert ended(pid) and helpers(image) == []


def test_killed_helper(work):
    """Requests fail, the session goes on."""
    image = make(work / 'disk.vdi', 'vdi')
    with Session(work, image) as session:
        (pid, _), = helpers(image)
        os.kill(pid, 9)
        assert ended(pid)
        session.ask('read 0 4k', 'read failed: Input/output error')
        session.ask('length', 'MiB')


def test_without_qemu_nbd(work):
    image = make(work / 'disk.vdi', 'vdi')
    result = support.blkscope('-c', 'length', image, env=support.environment(PATH='/nonexistent'))
    assert result.status == 1 and 'qemu-utils' in result.err and 'vdi' in result.err, result


def another_qemu_nbd(work, *script):
    """An environment in which qemu-nbd is this."""
    folder, env = work / 'bin', temporary(work)
    folder.mkdir()
    (folder / 'qemu-nbd').write_text('\n'.join(script) + '\n')
    (folder / 'qemu-nbd').chmod(0o755)
    return {**env, 'PATH': f'{folder}:{env["PATH"]}'}


@pytest.mark.parametrize('script, said', [
    ('#!/bin/sh', 'qemu-nbd, which was to open it, ended with status 0 and said nothing'),
    ('#!/bin/sh\nexit 3', 'ended with status 3 and said nothing'),
    ('#!/bin/sh\nkill -9 $$', 'ended by signal 9 and said nothing'),
    ("#!/bin/sh\necho \"qemu-nbd: unrecognized option '--allocation-depth'\" >&2; exit 1", "too old to open it (5.2 is needed): unrecognized option '--allocation-depth'"),
    ('#!/bin/sh\nprintf "qemu-nbd: a\\033[31mb\\nc" >&2; exit 1', 'a\\\\e[31mb\nc'),
    ('#!/nonexistent/sh', '/bin/qemu-nbd could not be executed')])
def test_a_qemu_nbd_that_ends(work, script, said):
    image = make(work / 'disk.vdi', 'vdi')
    result = support.blkscope('-c', 'length', image, env=another_qemu_nbd(work, *script.split('\n', 1)))
    assert result.status == 1 and said in result.err and 'socket' not in result.err and '\x1b' not in result.err, result
    assert list((work / 'tmp').iterdir()) == []


@pytest.mark.skipif(os.environ.get('BLKSCOPE_LOAD') != 'all', reason='takes half a minute: BLKSCOPE_LOAD=all')
def test_a_qemu_nbd_that_takes_its_time(work):
    """Longer than the handshake with a server may: a key may be made to take minutes."""
    image = make(work / 'disk.vdi', 'vdi')
    env = another_qemu_nbd(work, '#!/bin/sh', 'sleep 31', f'LISTEN_PID=$$ exec {shutil.which("qemu-nbd")} "$@"')
    result = support.blkscope('-c', 'length', image, env=env)
    assert result.out == '8 MiB\n' and 'is still opening the image' in result.err, result


def test_broken_image(work):
    """What qemu-nbd says is handed on, as text."""
    image = make(work / 'disk.vdi', 'vdi')
    with open(image, 'r+b') as file:
        file.seek(0x44)
        file.write(b'\xff' * 4)
    theirs = support.reference('-r', '-c', 'length', image)
    ours = support.drop_in('-r', '-c', 'length', image)
    assert ours.err == theirs.err and ours.status == theirs.status == 1


@pytest.mark.parametrize('name', ['a b.vdi', 'nbd:x.vdi', 'json:{}.vdi', 'a"b\\c,d=e.vdi', 'a\nb\x1b[31m.vdi', '-r.vdi'])
def test_odd_names(work, name):
    make(work / 'plain.vdi', 'vdi').rename(work / name)
    result = support.blkscope('-c', 'length', f'./{name}', cwd=work)
    assert result.out == '8 MiB\n', result


def test_not_in_a_file(work):
    result = support.blkscope('--image-opts', '-c', 'length', 'driver=vdi,file.driver=null-co')
    assert result.status == 1 and 'has to be in a file' in result.err, result


def test_backing_files_it_names(work):
    """A qcow (version 1) image names one: opened by our side, where references are followed, and by qemu-nbd under its own name."""
    make(work / 'base.raw', 'raw')
    subprocess.run(['qemu-io', '-f', 'raw', '-c', f'write -P 5 0 {8 * MIB}', work / 'base.raw'], check=True, capture_output=True)
    subprocess.run(['qemu-img', 'create', '-q', '-f', 'qcow', '-b', 'base.raw', '-F', 'raw', work / 'top.qcow'], check=True)
    for policy, said in (('none', 'read failed: Link has been severed'), ('follow', f'read {4 * KIB}/')):
        ours = support.blkscope(f'--refs={policy}', '-c', f'read -P 5 0 {4 * KIB}', work / 'top.qcow')
        assert said in ours.out and 'Pattern' not in ours.out, ours
    all_of_it = support.drop_in('-r', '-c', f'read -P 5 0 {4 * KIB}', work / 'top.qcow')
    assert 'Pattern verification failed' not in all_of_it.out, all_of_it


def test_as_a_backing_file(work):
    make(work / 'base.vdi', 'vdi')
    subprocess.run(['qemu-io', '-f', 'vdi', '-c', 'write -P 5 0 1M', work / 'base.vdi'], check=True, capture_output=True)
    subprocess.run(['qemu-img', 'create', '-q', '-f', 'qcow2', '-b', 'base.vdi', '-F', 'vdi', work / 'top.qcow2'], check=True)
    args = [*words(['read -P 5 0 1M', 'map', 'write -P 6 512k 64k', 'read -P 5 0 512k', 'read -P 6 512k 64k']), work / 'top.qcow2']
    ours = support.drop_in(*args)
    subprocess.run(['qemu-img', 'create', '-q', '-f', 'qcow2', '-b', 'base.vdi', '-F', 'vdi', work / 'top.qcow2'], check=True)
    theirs = support.reference(*args)
    assert support.without_times(ours.out) == support.without_times(theirs.out)
