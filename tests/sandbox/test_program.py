# SPDX-License-Identifier: GPL-3.0-or-later
"""The sandbox of the program itself: when it closes, what it refuses and how it says so, and that what is allowed still works."""
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import support  # noqa: E402
from session import session  # noqa: E402
from support import MIB, blkscope  # noqa: E402

ADVICE = 'the session is read-only (sandbox): start with -w'


@pytest.fixture
def disk(work):
    path = work / 'disk.img'
    path.write_bytes(b'x' * MIB)
    return path


@pytest.fixture
def vdi(work):
    path = work / 'disk.vdi'
    subprocess.run(['qemu-img', 'create', '-q', '-f', 'vdi', path, '4M'], check=True)
    return path


def have(disk):
    """What the kernel gives: files, calls."""
    state = json.loads(blkscope('--json', '-f', 'raw', '-c', 'sandbox', disk).out)
    return state['files'], state['calls']


@pytest.fixture
def sandboxed(disk):
    if have(disk) != (True, True):
        pytest.skip('the kernel has no Landlock or no seccomp filters, or the program runs in valgrind')


def test_no_library_is_missing_that_would_be_loaded_later(work, sandboxed):
    """What the screen shows is the same inside and outside: UTF-16 by iconv(3) was not."""
    (work / 'text').write_bytes('A€'.encode('utf-16-le') + bytes(4092))
    screens = [blkscope('--headless', '--no-config', *how, '-f', 'raw', '-c', 'goto 2', '-c', 'focus hex', '-c', 'screen', 'text', cwd=work,
                        env=support.environment(**support.SCREEN, COLUMNS='120', LINES='60')).out for how in ([], ['--no-sandbox'])]
    assert "'€' U+20AC" in screens[0] and "U+20AC" in screens[1], screens[0]
    for line in [line for line in screens[1].splitlines() if 'UTF-16' in line]:
        assert line in screens[0]


# ---- when it closes ----

def test_it_is_closed_when_the_image_is_open(disk, work, sandboxed):
    with session('-f', 'raw', disk, cwd=work) as running:
        assert 'sandbox: closed' in running.run('sandbox')
        assert running.status()['Seccomp'] == '2' and running.status()['NoNewPrivs'] == '1'
        for task in Path(f'/proc/{running.process.pid}/task').iterdir():
            assert 'Seccomp:\t2' in (task / 'status').read_text()


def test_it_closes_with_the_first_open(disk, work, sandboxed):
    with session(cwd=work) as running:
        assert 'not closed yet' in running.run('sandbox')
        assert running.status()['Seccomp'] == '0'
        running.run('open nonexistent')
        assert running.status()['Seccomp'] == '0'
        running.run(f'open -o driver=raw {disk}')
        assert running.status()['Seccomp'] == '2'
        running.run('close')
        assert 'sandbox: closed' in running.run('sandbox')


@pytest.mark.parametrize('program', ['no-sandbox', 'qemu-io'])
def test_there_is_none(disk, work, program):
    args = ['--no-sandbox'] if program == 'no-sandbox' else []
    name = 'qemu-io' if program == 'qemu-io' else 'blkscope'
    process = subprocess.Popen([name, *args, '-f', 'raw', str(disk)], executable=support.BLKSCOPE, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                               stderr=subprocess.STDOUT, env=support.environment())
    process.stdin.write(b'length\n')
    process.stdin.flush()
    said = b''
    while b'1 MiB' not in said:
        said += os.read(process.stdout.fileno(), 4096)
    status = Path(f'/proc/{process.pid}/status').read_text()
    out, _ = process.communicate(b'sandbox\nreopen -w\nwrite -q 0 512\n')
    assert 'Seccomp:\t0' in status
    if program == 'qemu-io':
        assert b'command "sandbox" not found' in out
    else:
        assert b'off (--no-sandbox)' in out and disk.read_bytes()[:1] == b'\xcd'


def test_json_says_it(disk):
    state = json.loads(blkscope('--json', '-f', 'raw', '-c', 'sandbox', disk).out)
    assert state['closed'] and state['read-only'] and not state['network']
    state = json.loads(blkscope('--json', '-w', '-f', 'raw', '-c', 'sandbox', disk).out)
    assert state['closed'] and not state['read-only']
    state = json.loads(blkscope('--json', '--no-sandbox', '-f', 'raw', '-c', 'sandbox', disk).out)
    assert not state['closed'] and not state['files'] and not state['calls']


# ---- what it refuses ----

def test_writing_is_refused(disk, work):
    (work / 'there').write_text('mine')
    script = work / 'script'
    script.write_text(f'reopen -w\nclose\nopen -w -o driver=raw {disk}\nopen -o driver=raw {disk}\nwrite 0 512\nmap export --force there\n'
                      'create -y -f raw there 1M\noverlay start\nwrite -q 0 512\noverlay commit\noverlay commit -y\n')
    before = os.stat(disk)
    result = blkscope('-f', 'raw', '--script', script, disk, cwd=work)
    said = result.out + result.err
    assert result.status == 1
    assert said.count(ADVICE) >= 5, result
    assert said.count('only a program started with -w replaces a file') == 1 or 'there' in said
    assert (work / 'there').read_text() == 'mine' and disk.read_bytes() == b'x' * MIB
    assert os.stat(disk).st_mtime_ns == before.st_mtime_ns


def test_a_temporary_layer_does_not_make_the_session_writable(disk):
    result = blkscope('-s', '-f', 'raw', '-c', 'write -q -P 7 0 512', '-c', 'read -q -P 7 0 512', '-c', 'overlay commit -y', disk)
    assert ADVICE in result.err and disk.read_bytes() == b'x' * MIB
    result = blkscope('-w', '-s', '-f', 'raw', '-c', 'write -q -P 7 0 512', '-c', 'overlay commit -y', disk)
    assert result.status == 0 and disk.read_bytes()[:512] == b'\x07' * 512, result


def test_a_helper_is_started_before_or_not_at_all(disk, vdi):
    later = blkscope('-f', 'raw', '-c', 'close', '-c', f'open {vdi}', disk)
    assert later.status == 1 and "can't be started any more (sandbox): start with it, or with --no-sandbox" in later.err
    assert blkscope('--no-sandbox', '-f', 'raw', '-c', 'close', '-c', f'open {vdi}', '-c', 'length', disk).out == '4 MiB\n'
    assert blkscope('-c', 'length', '-c', 'read -q 0 4k', '-c', 'close', vdi).out == '4 MiB\n'
    assert blkscope('-w', '-c', 'write -q -P 9 0 4k', '-c', 'flush', '-c', 'read -q -P 9 0 4k', vdi).status == 0


def test_no_server_is_connected_to_later(disk):
    later = blkscope('-f', 'raw', '-c', 'close', '-c', 'open nbd://localhost:1', disk)
    assert later.status == 1 and 'no server can be connected to any more (sandbox)' in later.err


# ---- what is left ----

@pytest.mark.parametrize('command, name', [('create -q -f qcow2 new 4M', 'new'), ('create -q -f raw new 4M', 'new'), ('map export new', 'new')])
@pytest.mark.parametrize('how', ['command', 'stdin', 'script', 'source'])
def test_new_files_are_made(disk, work, command, name, how):
    (work / 'script').write_text(command + '\n')
    args = {'command': ['-c', command], 'stdin': [], 'script': ['--script', 'script'], 'source': ['-c', 'source script']}[how]
    result = blkscope('-f', 'raw', *args, disk, cwd=work, input=command + '\n' if how == 'stdin' else '')
    assert result.status == 0 and not result.err, result
    assert (work / name).stat().st_size > 0
    if 'qcow2' in command:
        subprocess.run(['qemu-img', 'check', '-q', work / name], check=True)
    assert {path.name for path in work.iterdir()} == {'disk.img', 'script', name}


def test_the_screens_commands_make_files(disk, work):
    result = blkscope('--headless', '-f', 'raw', disk, cwd=work, input='hex-save bytes 0 1k\nsave-script script\nhex-save bytes 0 1k\n')
    assert (work / 'bytes').read_bytes() == b'x' * 1024 and 'hex-save' in (work / 'script').read_text()
    assert 'there is a file of that name already' in result.err


def is_alive(pid):
    try:
        return 'State:\tZ' not in Path(f'/proc/{pid}/status').read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_the_broker_ends_with_the_program(disk, work):
    with session('-f', 'raw', disk, cwd=work) as running:
        running.run('length')
        broker = running.children()
        assert len(broker) == 1
        comm = Path(f'/proc/{broker[0]}/comm')
        while comm.read_text() != 'broker\n':  # has just been forked
            os.sched_yield()
        assert 'No such file' in running.run('map export none/new')  # its answer: it is ready
        assert [os.readlink(fd).split(':')[0] for fd in Path(f'/proc/{broker[0]}/fd').iterdir()] == ['socket'] * 3
        running.process.kill()
        running.process.wait()
        while is_alive(broker[0]):  # not ours to wait for
            os.sched_yield()


def test_known_commands_start_no_broker(disk):
    assert json.loads(blkscope('--json', '-f', 'raw', '-c', 'sandbox', disk).out)['broker'] is False
    assert json.loads(blkscope('--json', '-f', 'raw', '-c', 'sandbox', '-c', 'help create', disk).out.splitlines()[0])['broker'] is True


def test_reading_goes_on(disk, work):
    """Other images, asynchronous requests, a larger script."""
    other = work / 'other.qcow2'
    subprocess.run(['qemu-img', 'create', '-q', '-f', 'qcow2', '-b', disk, '-F', 'raw', other], check=True)
    result = blkscope('-f', 'raw', disk, input=f'aio_read -q 0 512k\naio_read -q 512k 512k\naio_flush\nclose\nopen {other}\nread -q -P 120 0 1M\nmap\n'
                                               f'chain\ncheck\ncompare -f raw {disk}\ninfo\n')
    assert result.status == 0, result


def test_signals_and_crashes_stay(disk):
    assert blkscope('-f', 'raw', '-c', 'abort', disk).status == -6
    assert blkscope('-f', 'raw', '-c', 'sigraise 15', disk).status == -15


@pytest.mark.parametrize('back_end', ['threads', 'io_uring'])
def test_both_back_ends(disk, back_end):
    script = ''.join(f'aio_read -q {i * 4}k 4k\n' for i in range(200)) + 'aio_flush\nread -q -P 120 0 1M\n'
    result = blkscope('-f', 'raw', disk, input=script, env=support.environment(BLKSCOPE_AIO=back_end))
    assert result.status == 0 and not result.err, result


# ---- kernels that lack it ----

STRACE = shutil.which('strace')
LACKING = {'Landlock': ('landlock_create_ruleset', 'EOPNOTSUPP'), 'seccomp': ('seccomp', 'EINVAL'), 'both': ('landlock_create_ruleset,seccomp', 'ENOSYS')}


def lacking(what, *args, cwd, **changes):
    """The program on a kernel that answers so."""
    if not STRACE:
        pytest.skip('strace is not installed')
    calls, error = LACKING[what]
    return support.run(['-f', '-qq', '-o', '/dev/null', '-e', f'trace={calls}', '-e', f'inject={calls}:error={error}', support.BLKSCOPE, *args], program=STRACE,
                       name='strace', cwd=cwd, env=support.traced(**changes))


@pytest.mark.parametrize('what', LACKING)
def test_what_the_kernel_lacks_is_said_and_the_rest_is_there(disk, work, sandboxed, what):
    rest = {'Landlock': 'seccomp', 'seccomp': 'Landlock, ABI', 'both': 'nothing but the program itself'}[what]
    result = lacking(what, '-f', 'raw', '-c', 'sandbox', '-c', 'read -q -P 120 0 1M', '-c', 'reopen -w', '-c', 'write 0 512', '-c', 'create -q -f raw new 1M', disk, cwd=work)
    assert f'sandbox: {"off" if what == "both" else "closed in part"}\nmissing: this kernel has n' in result.out, result
    assert f'enforced by: {rest}' in result.out and result.out.count('Pattern') == 0, result
    assert ADVICE in result.err and disk.read_bytes() == b'x' * MIB, result
    assert (work / 'new').stat().st_size == MIB
    version = lacking(what, '--version', cwd=work).out
    assert ('no Landlock' in version) == (what != 'seccomp') and ('no seccomp' in version) == (what != 'Landlock'), version


@pytest.mark.parametrize('what', LACKING)
def test_the_screen_says_what_the_kernel_lacks(disk, work, sandboxed, what):
    title = '[NO SANDBOX]' if what == 'both' else '[PART OF SANDBOX]'
    result = lacking(what, '--headless', '--no-config', '-f', 'raw', '-c', 'screen', disk, cwd=work, **support.SCREEN, COLUMNS='120', LINES='30')
    assert title in result.out, result


def test_the_version_says_what_there_is(sandboxed):
    version = blkscope('--version').out
    assert 'sandbox    Landlock, ABI ' in version and '; seccomp\n' in version
