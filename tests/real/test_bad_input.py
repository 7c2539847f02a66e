# SPDX-License-Identifier: GPL-3.0-or-later
"""Bad input gets a clear error and changes nothing; nothing here may crash, hang or be taken for something else."""
import collections
import fcntl
import hashlib
import os
import random
import re
import resource
import select
import shutil
import signal
import struct
import subprocess
import tempfile
from pathlib import Path

import pytest

import support
from support import KIB, MIB

EVENTS = ['read_aio', 'write_aio', 'flush_to_os', 'flush_to_disk', 'pwritev', 'pwritev_zero', 'pwritev_done', 'pwritev_rmw_head',
          'pwritev_rmw_after_head', 'pwritev_rmw_tail', 'pwritev_rmw_after_tail', 'cor_write', 'none']


def clean_failure(result, *words):
    """Failed in its own words, on stderr, one short text, no crash."""
    assert result.status == 1, result
    assert result.err.startswith('blkscope: ') or result.err.startswith('WARNING'), result
    for word in words:
        assert word in result.err, result
    assert len(result.err) < 2000, result


@pytest.fixture
def disk(work):
    path = work / 'disk.img'
    support.make_image(path, MIB)
    return path


@pytest.fixture
def public():
    """A folder that other users can enter, with a copy of the program."""
    folder = Path(tempfile.mkdtemp(prefix='blkscope-public-'))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


class Interactive:
    """The program on pipes, spoken to line by line; an answer ends at the next prompt."""

    def __init__(self, args, *, program=support.BLKSCOPE, name='blkscope', cwd=None):
        argv, executable = support.command_line(program, name, [str(arg) for arg in args])
        self.prompt = f'{name}> '.encode()
        self.process = subprocess.Popen(argv, executable=executable, cwd=cwd, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.STDOUT, env=support.environment())
        self.until_prompt()

    def until_prompt(self):
        data = b''
        while not data.endswith(self.prompt):
            ready, _, _ = select.select([self.process.stdout], [], [], support.DEADLINE)
            assert ready, f'no prompt after {data!r}'
            chunk = os.read(self.process.stdout.fileno(), 65536)
            assert chunk, f'ended after {data!r}, status {self.process.wait(support.DEADLINE)}'
            data += chunk
        return support.without_times(data[:-len(self.prompt)].decode())

    def say(self, line):
        self.process.stdin.write(line.encode() + b'\n')
        self.process.stdin.flush()
        return self.until_prompt()

    def end(self):
        self.process.stdin.close()
        status = self.process.wait(support.DEADLINE)
        self.process.stdout.close()
        return status


# ---- what is no image ----

def test_folder(work):
    (work / 'folder').mkdir()
    clean_failure(support.blkscope('-c', 'length', 'folder', cwd=work), 'folder')


def test_folder_writable(work):
    (work / 'folder').mkdir()
    clean_failure(support.blkscope('-w', '-f', 'raw', '-c', 'length', 'folder', cwd=work), 'folder')


def test_fifo_does_not_hang(work):
    os.mkfifo(work / 'fifo')
    clean_failure(support.blkscope('-c', 'length', 'fifo', cwd=work, deadline=20), 'fifo')
    clean_failure(support.blkscope('-f', 'raw', '-w', '-c', 'length', 'fifo', cwd=work, deadline=20), 'fifo')


def test_socket(work):
    import socket
    server = socket.socket(socket.AF_UNIX)
    server.bind(str(work / 'socket'))
    clean_failure(support.blkscope('-c', 'length', 'socket', cwd=work), 'socket')
    server.close()


@pytest.mark.parametrize('device', ['/dev/null', '/dev/zero', '/dev/full', '/dev/tty'])
def test_character_device(device):
    result = support.blkscope('-c', 'length', device, start_new_session=True)
    assert result.status in (0, 1), result
    if result.status:
        clean_failure(result, device)
    theirs = support.reference('-f', 'raw', '-c', 'length', device, start_new_session=True)
    ours = support.drop_in('-f', 'raw', '-c', 'length', device, start_new_session=True)
    assert (theirs.out, theirs.err, theirs.status) == (ours.out, ours.err, ours.status)


def test_unreadable(public, disk):
    target = public / 'disk.img'
    shutil.copy(disk, target)
    target.chmod(0o000)
    before = hashlib.sha256(disk.read_bytes()).digest()
    program, wrapper = support.BLKSCOPE, []
    if os.geteuid() == 0:
        if not shutil.which('setpriv'):
            pytest.skip('root, and no setpriv to become somebody else')
        program = public / 'blkscope'
        shutil.copy(support.BLKSCOPE, program)
        program.chmod(0o755)
        wrapper = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups', '--']
    for args in (['-c', 'length'], ['-w', '-f', 'raw', '-c', 'write 0 512']):
        run = subprocess.run([*wrapper, program, *args, target], capture_output=True, text=True, stdin=subprocess.DEVNULL,
                             timeout=support.DEADLINE, env=support.environment())
        assert run.returncode == 1
        assert 'Permission denied' in run.stderr and str(target) in run.stderr
    target.chmod(0o600)
    assert hashlib.sha256(target.read_bytes()).digest() == before


def test_writing_what_only_can_be_read(public, disk):
    if os.geteuid() == 0 and not shutil.which('setpriv'):
        pytest.skip('root, and no setpriv to become somebody else')
    target, program = public / 'disk.img', public / 'blkscope'
    shutil.copy(disk, target)
    target.chmod(0o444)
    shutil.copy(support.BLKSCOPE, program)
    program.chmod(0o755)
    wrapper = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups', '--'] if os.geteuid() == 0 else []

    def run(*args):
        return subprocess.run([*wrapper, program, *args, target], capture_output=True, text=True, stdin=subprocess.DEVNULL,
                              timeout=support.DEADLINE, env=support.environment())
    assert 'Permission denied' in run('-w', '-f', 'raw', '-c', 'length').stderr
    assert run('-c', 'length').stdout == '1 MiB\n'


def test_missing(work):
    clean_failure(support.blkscope('-c', 'length', 'missing.img', cwd=work),
                  "can't open device missing.img: Could not open 'missing.img': No such file or directory")


def test_dangling_and_looping_links(work):
    (work / 'dangling').symlink_to('nowhere')
    (work / 'loop').symlink_to('loop')
    clean_failure(support.blkscope('-c', 'length', 'dangling', cwd=work), 'No such file or directory')
    clean_failure(support.blkscope('-c', 'length', 'loop', cwd=work), 'Too many levels of symbolic links')


def test_name_too_long(work):
    clean_failure(support.blkscope('-c', 'length', 'x' * 300, cwd=work), 'File name too long')


def test_empty_file(work):
    (work / 'empty.img').touch()
    result = support.blkscope('-c', 'length', '-c', 'read 0 0', '-c', 'map', '-c', 'alloc 0', '-c', 'info', 'empty.img', cwd=work)
    assert result.out.startswith('0 bytes\n'), result
    assert result.status == 0, result
    assert support.blkscope('-c', 'read 0 1', 'empty.img', cwd=work).status == 1
    assert (work / 'empty.img').stat().st_size == 0


# ---- read-only means read-only ----

def test_read_only_leaves_no_trace(disk):
    """No byte, no time, no lock: not even the access time."""
    os.utime(disk, ns=(10**18, 2 * 10**18))
    before, data = os.stat(disk), disk.read_bytes()
    os.utime(disk, ns=(10**18, 2 * 10**18))
    program = Interactive([disk])
    for line in ('read 0 1M', 'write 0 512', 'write -z 0 512', 'discard 0 512', 'truncate 5', 'aio_write 0 512', 'aio_flush', 'flush',
                 'map', 'readv 0 1 2', 'writev 0 1 2', 'length'):
        program.say(line)
    with open(disk, 'rb') as file:
        # Whoever wants to write all of it: nobody's lock is in the way.
        lock = struct.pack('hhqqi4x', fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0)
        answer = struct.unpack('hhqqi4x', fcntl.fcntl(file, support.F_OFD_GETLK, lock))
        assert answer[0] == fcntl.F_UNLCK, 'a read-only opener holds a lock'
    assert program.end() == 1
    after = os.stat(disk)
    assert (before.st_size, 2 * 10**18, before.st_blocks) == (after.st_size, after.st_mtime_ns, after.st_blocks)
    assert after.st_atime_ns == 10**18
    assert disk.read_bytes() == data


def test_refused_write_says_how_to_go_on(disk):
    result = support.blkscope('-c', 'write 0 512', disk)
    assert result.status == 1
    assert 'blkscope: Block node is read-only' in result.err
    assert 'start with -w' in result.err
    result = support.blkscope('-w', '-r', '-c', 'write 0 512', disk)
    assert result.status == 1 and 'reopen -w' in result.err


def test_reopen_for_writing(disk):
    result = support.blkscope('-w', '-r', '-f', 'raw', '-c', 'reopen -w', '-c', 'write -q -P 7 0 512', disk)
    assert result.status == 0, result
    assert disk.read_bytes()[:512] == b'\x07' * 512


def locks_of(path):
    """The (type, first, last) of the OFD locks on a file, as the kernel lists them: mostly, for others' that come and go make it tell some twice or not."""
    inode = os.stat(path).st_ino
    told = collections.Counter(tuple(sorted((line.split()[3], *line.split()[-2:]) for line in Path('/proc/locks').read_text().splitlines()
                                            if 'OFDLCK' in line and line.split()[5].endswith(f':{inode}'))) for _ in range(40))
    return told.most_common(1)[0][0]


@pytest.mark.parametrize('options', [[], ['-r'], ['-t', 'none']], ids=lambda o: ''.join(o) or 'plain')
def test_holds_the_locks_the_reference_holds(disk, options):
    theirs = Interactive([*options, '-f', 'raw', disk], program=support.REFERENCE, name='qemu-io')
    expected = locks_of(disk)
    theirs.end()
    ours = Interactive([*options, '-f', 'raw', disk], name='qemu-io')
    held = locks_of(disk)
    ours.end()
    assert held == expected


def test_who_is_locked_out(disk):
    """The bytes by which a virtual machine says that nobody else may write: writers stay out, a reader looks on."""
    with open(disk, 'r+b') as file:
        for byte in (100, 101, 201):
            fcntl.fcntl(file, support.F_OFD_SETLK, struct.pack('hhqqi4x', fcntl.F_RDLCK, os.SEEK_SET, byte, 1, 0))
        theirs = support.reference('-f', 'raw', '-c', 'length', disk)
        assert 'Failed to get "write" lock' in theirs.err
        ours = support.drop_in('-f', 'raw', '-c', 'length', disk)
        assert (theirs.out, theirs.err, theirs.status) == (ours.out, ours.err, ours.status)
        clean_failure(support.blkscope('-w', '-f', 'raw', '-c', 'length', disk), 'Failed to get "write" lock', 'Is another process using the image')
        assert support.blkscope('-f', 'raw', '-c', 'length', disk).out == '1 MiB\n'
        refused = support.blkscope('-w', '-r', '-f', 'raw', '-c', 'reopen -w', '-c', 'write 0 512', disk)
        assert refused.status == 1
        assert 'wrote' not in refused.out
    assert support.blkscope('-w', '-f', 'raw', '-c', 'length', disk).status == 0


# ---- files that change, disks that are full ----

@pytest.mark.parametrize('options', [[], ['-n'], ['-r']], ids=lambda o: ''.join(o) or 'plain')
def test_file_shrinks_while_open(work, options):
    answers = []
    for who, program in (('reference', support.REFERENCE), ('ours', support.BLKSCOPE)):
        path = work / who
        support.make_image(path, MIB)
        talk = Interactive(['-f', 'raw', *options, path], program=program, name='qemu-io')
        said = [talk.say('read -P 0x11 0 4k')]
        os.truncate(path, 100 * KIB)
        for line in ('read 0 4k', 'read 512k 4k', 'read -v 102384 32', 'length', 'map', 'alloc 512k 4k', 'write 512k 512', 'length', 'read 0 1M'):
            said.append(f'{line}: {talk.say(line)}')
        os.truncate(path, 0)
        for line in ('read 0 512', 'map', 'length', 'flush'):
            said.append(f'{line}: {talk.say(line)}')
        talk.end()
        answers.append('\n'.join(said))
    assert support.difference(*answers) == ''


def test_full_disk(work):
    """On a file system of 1 MiB of its own."""
    if os.geteuid() != 0 or not shutil.which('unshare'):
        pytest.skip('only root mounts a small file system')
    commands = ['write -q 0 512k', 'write 512k 2M', 'write -z 512k 2M', 'truncate -m falloc 8M', 'truncate -m full 8M', 'length',
                'aio_write 2M 2M', 'aio_flush', 'write -q -P 3 0 512k', 'read -P 3 0 512k', 'flush', 'length']
    script = ('mount -t tmpfs -o size=1M blkscope-test "$1" && truncate -s 4M "$1/disk.img" && cd "$1" && shift && program=$1 && shift '
              '&& exec -a qemu-io "$program" -f raw "$@" disk.img')
    outputs = []
    for who, program in (('reference', support.REFERENCE), ('ours', support.BLKSCOPE)):
        (work / who).mkdir()
        run = subprocess.run(['unshare', '--mount', 'bash', '-c', script, 'bash', work / who, program,
                              *(word for command in commands for word in ('-c', command))], capture_output=True, text=True,
                             stdin=subprocess.DEVNULL, timeout=support.DEADLINE, env=support.environment())
        if 'mount' in run.stderr or 'unshare' in run.stderr:
            pytest.skip(f'no mount here: {run.stderr.strip()}')
        outputs.append((support.without_times(run.stdout), run.stderr, run.returncode))
    theirs, ours = outputs
    assert 'No space left on device' in theirs[0]
    assert support.difference(theirs[0], ours[0]) == ''
    assert theirs[1:] == ours[1:]


def test_file_size_limit(work):
    """A write over RLIMIT_FSIZE fails; the signal that comes with it does not end the program."""
    outputs = []
    for who, program in (('reference', support.REFERENCE), ('ours', support.BLKSCOPE)):
        path = work / who
        support.make_image(path, MIB)
        result = support.run(['-f', 'raw', '-c', 'truncate 64M', '-c', 'length', '-c', 'write 0 512', '-c', 'length', path],
                             program=program, name='qemu-io',
                             preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (2 * MIB, 2 * MIB)))
        outputs.append(result)
    theirs, ours = outputs
    if theirs.status == -signal.SIGXFSZ:
        assert ours.status in (1, -signal.SIGXFSZ), ours
    else:
        assert (support.without_times(theirs.out), theirs.err, theirs.status) == (support.without_times(ours.out), ours.err, ours.status)


@pytest.mark.parametrize('event', EVENTS)
def test_io_error_at_every_event(event, work):
    if event in ('flush_to_disk', 'flush_to_os'):
        lines = ['read 0 4k', 'write 0 4k', 'flush', 'write -z 4k 4k', 'length']
    else:
        lines = ['read 0 4k', 'read -v 5 20', 'readv 0 512 512', 'write 0 4k', 'write 100 100', 'writev 100 100 4000', 'write -z 64k 64k',
                 'write -z 100 9000', 'write -zu 128k 64k', 'write -f 0 512', 'discard 0 64k', 'aio_read 0 4k', 'aio_flush',
                 'aio_write 0 4k', 'aio_flush', 'flush', 'truncate 2M', 'alloc 0 1M', 'map', 'length', 'read -P 0x11 512k 512']
    outputs = []
    for who, program in (('reference', support.REFERENCE), ('ours', support.BLKSCOPE)):
        folder = work / who
        folder.mkdir()
        support.make_image(folder / 'disk.img', MIB)
        spec = ('driver=raw,discard=unmap,file.driver=blkdebug,file.align=4k,file.image.driver=file,file.image.filename=disk.img,'
                f'file.inject-error.0.event={event},file.inject-error.0.errno=5')
        result = support.run(['--image-opts', '-t', 'writeback', '-d', 'unmap', spec], program=program, name='qemu-io', cwd=folder,
                             input='\n'.join(lines) + '\n')
        outputs.append((support.without_times(result.out).replace('qemu-io> ', ''), result.err, result.status))
    theirs, ours = outputs
    assert support.difference(theirs[0], ours[0]) == ''
    assert theirs[1:] == ours[1:]
    assert support.same_bytes(work / 'reference/disk.img', work / 'ours/disk.img') is None


# ---- command lines ----

@pytest.mark.parametrize('name', ['blkscope', 'qemu-io'])
def test_command_line_of_1_mib(disk, name):
    for line in ('x' * MIB, 'read ' * (MIB // 5), 'readv 0 ' + '1 ' * (MIB // 2), 'read -P ' + '1' * MIB + ' 0 1', ' ' * MIB,
                 'writev 0 ' + '0 ' * (MIB // 2), 'read 0 ' + '9' * MIB, 'help ' + 'y' * MIB, "read '" + 'q' * MIB):
        result = support.run(['-f', 'raw', '-r', disk], name=name, input=line + '\nlength\n')
        assert result.status in (0, 1), result
        assert '1 MiB\n' in result.out


def test_argument_as_long_as_the_kernel_allows(disk):
    result = support.blkscope('-c', 'x' * 130000, '-c', 'length', disk)
    assert (result.status, result.out) == (1, '1 MiB\n')


@pytest.mark.parametrize('name', ['blkscope', 'qemu-io'])
@pytest.mark.parametrize('seed', range(4))
def test_rubbish_on_stdin(disk, seed, name):
    before = hashlib.sha256(disk.read_bytes()).digest()
    rng = random.Random(seed)
    rubbish = rng.randbytes(200_000)
    if seed % 2:
        # Nearly commands: more than the table's first step is reached.
        words = [b'read', b'write', b'-P', b'-v', b'0', b'512', b'\xff', b'\0', b'aio_read', b'help', b'map', b'"', b"'", b'\\', b';', b'#',
                 b'-', b'--', b'99999999999999999999', b'0x', b'-z', b'open', b'\x1b[31m', b'%s%n', b'truncate', b'discard']
        rubbish = b'\n'.join(b' '.join(rng.choices(words, k=rng.randrange(1, 7))) for _ in range(4000)) + b'\n'
    result = support.run(['-r', '-f', 'raw', disk], name=name, input=rubbish, deadline=support.DEADLINE)
    assert result.status == 1, result.err[-500:]
    assert hashlib.sha256(disk.read_bytes()).digest() == before


def test_stdin_that_is_closed(disk):
    run = subprocess.run(['bash', '-c', 'exec "$0" -f raw "$1" <&-', support.BLKSCOPE, disk], capture_output=True,
                         timeout=support.DEADLINE, env=support.environment())
    assert run.returncode in (0, 1)


def test_reader_that_goes_away(disk):
    """`blkscope ... | head`: ended by the broken pipe, or by the error it is told, never stuck."""
    process = subprocess.Popen([support.BLKSCOPE, '-f', 'raw', '-c', 'read -v 0 1M', disk], stdin=subprocess.DEVNULL,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=support.environment())
    process.stdout.read(100)
    process.stdout.close()
    assert process.wait(support.DEADLINE) in (1, -signal.SIGPIPE, 0)
    process.stderr.close()


def test_output_that_is_full(disk):
    with open('/dev/full', 'w') as full:
        process = subprocess.run([support.BLKSCOPE, '-f', 'raw', '-c', 'read -v 0 64k', disk], stdin=subprocess.DEVNULL,
                                 stdout=full, stderr=subprocess.PIPE, timeout=support.DEADLINE, env=support.environment())
    assert process.returncode in (0, 1)


# ---- names ----

NASTY = 'new\nline \x1b[31mred\x07\u202e.img'


def test_nasty_name_works(work):
    support.make_image(work / NASTY, MIB)
    result = support.blkscope('-f', 'raw', '-c', 'length', '-c', 'read -P 0x11 0 4k', NASTY, cwd=work)
    assert result.status == 0, result
    assert result.out.startswith('1 MiB\n')


def test_name_that_is_no_utf8(work):
    name = os.fsdecode(b'caf\xe9.img')
    support.make_image(work / name, MIB)
    result = support.blkscope('-f', 'raw', '-c', 'length', os.fsencode(name).decode('utf-8', 'surrogateescape'), cwd=work)
    assert (result.status, result.out) == (0, '1 MiB\n')


def test_nasty_json(work):
    for name in ('json:' + '[' * 100000, 'json:{"a":' * 5000, 'json:{"driver":"raw","file":' * 200, 'json:\xff', 'json:{"driver":1e999}',
                 'json:{"driver":"raw","offset":99999999999999999999999,"file":{"driver":"file","filename":"x"}}', 'json:{"":""}',
                 'json:{"driver":"\\u0000"}', 'json:null', 'json:{"file.file.file.file":"x"}'):
        result = support.blkscope('-c', 'length', name[:120000], cwd=work)
        assert result.status == 1, (name[:60], result)


def test_protocol_names(work):
    for name in (':', '::', 'file:', 'blkdebug:', 'blkdebug::', 'blkdebug:::', 'json:', 'nope://x', 'blkdebug::' * 200 + 'x', 'raw:', '',
                 'file:file:file:x'):
        result = support.blkscope('-c', 'length', name, cwd=work)
        assert result.status == 1, (name, result)


def test_image_named_like_an_option(work):
    support.make_image(work / '-r', MIB)
    result = support.blkscope('-f', 'raw', '-c', 'length', '--', '-r', cwd=work)
    assert (result.status, result.out) == (0, '1 MiB\n')


def test_error_text_is_one_line_on_a_terminal(work):
    """Seen on a terminal, a name is escaped: it can neither move the cursor nor start a new line."""
    import pty
    leader, follower = pty.openpty()
    process = subprocess.Popen([support.BLKSCOPE, '-f', 'raw', '-c', 'length', NASTY], cwd=work, stdin=subprocess.DEVNULL, stdout=follower,
                               stderr=follower, env=support.environment())
    os.close(follower)
    data = b''
    while True:
        try:
            chunk = os.read(leader, 4096)
        except OSError:
            break
        if not chunk:
            break
        data += chunk
    process.wait(support.DEADLINE)
    os.close(leader)
    assert b'\x1b' not in data and b'\x07' not in data, data
    assert re.search(rb'new\\nline \\e\[31mred\\x07', data), data
