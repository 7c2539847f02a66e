# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tests share: running the program and the reference, images, and taking times out of their output."""
import difflib
import functools
import os
import re
import signal
import subprocess
from dataclasses import dataclass
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parent.parent
BLKSCOPE = os.environ.get('BLKSCOPE') or str(CHECKOUT / 'build/blkscope')
REFERENCE = '/usr/bin/qemu-io'
FLAVOUR = os.environ.get('BLKSCOPE_FLAVOUR', '')  # '', 'asan', 'tsan', 'valgrind' or 'coverage'
MEMORY = os.environ.get('BLKSCOPE_MEMORY', '')  # a folder in memory, where there is room for one; see `work` in conftest.py
LOCALE = os.environ.get('BLKSCOPE_LOCALE', 'C.UTF-8')
# No test says how fast something is; a deadline only ends what hangs.
DEADLINE = 60 if not FLAVOUR else 300
# Of a whole test, with what it does before and after: no test is waited for without end.
LIMIT = 900 if not FLAVOUR else 1800
F_OFD_GETLK, F_OFD_SETLK = 36, 37  # fcntl(2); Python has no names for them yet
KIB, MIB, GIB, TIB = 1 << 10, 1 << 20, 1 << 30, 1 << 40

VALGRIND = ['/usr/bin/valgrind', '-q', '--error-exitcode=99', '--leak-check=full', '--errors-for-leak-kinds=definite']


def environment(**changes):
    """The pinned environment of every process a test starts."""
    kept = {name: value for name, value in os.environ.items()
            if name in ('PATH', 'ASAN_OPTIONS', 'UBSAN_OPTIONS', 'G_SLICE', 'LSAN_OPTIONS', 'TSAN_OPTIONS', 'GCOV_ERROR_FILE', 'TMPDIR') or name.startswith('BLKSCOPE_')}
    kept.update(LANG=LOCALE, LC_ALL=LOCALE, TZ='UTC', TERM='xterm-256color' if LOCALE == 'C.UTF-8' else 'dumb', HOME='/nonexistent')
    kept.update(changes)
    return kept


def screen_environment(**changes):
    """Of a test that knows how frames are drawn, which the lane's locale would change."""
    return environment(LANG='C.UTF-8', LC_ALL='C.UTF-8', TERM='xterm-256color', **changes)


def traced(**changes):
    """The environment of a process that strace watches: leaks can't be looked for in it."""
    return environment(ASAN_OPTIONS=os.environ.get('ASAN_OPTIONS', '') + ':detect_leaks=0', **changes)


# For tests of what a capable screen shows, in every lane.
SCREEN = {'LANG': 'C.UTF-8', 'LC_ALL': 'C.UTF-8', 'TERM': 'xterm-256color'}


@dataclass
class Result:
    out: str
    err: str
    status: int  # negative: the signal that ended it

    def __str__(self):
        return f'--- stdout\n{self.out}--- stderr\n{self.err}--- status {self.status}\n'


def command_line(program, name, args):
    """argv and the file to execute, so that the program sees itself called `name`."""
    if FLAVOUR == 'valgrind' and program == BLKSCOPE:
        # valgrind finds the program, a link of that name, in PATH (see run()) and hands the bare name on.
        return [*VALGRIND, name, *args], VALGRIND[0]
    return [name, *args], program


@functools.lru_cache(None)
def links(name):
    """A folder with a link to the program under a name."""
    folder = Path(os.environ.get('BLKSCOPE_LINKS', '/tmp')) / f'blkscope-links-{os.getpid()}'
    folder.mkdir(exist_ok=True)
    link = folder / name
    if not link.exists():
        link.symlink_to(BLKSCOPE)
    return str(folder)


def run(args, *, program=BLKSCOPE, name='blkscope', input='', cwd=None, deadline=DEADLINE, env=None, **popen):
    """Runs the program under a name to its end; a hang is a failure that shows what it said so far."""
    argv, executable = command_line(program, name, [str(arg) for arg in args])
    env = env or environment()
    if argv[0] == VALGRIND[0]:
        env['PATH'] = f'{links(name)}:{env["PATH"]}'
    data = input if isinstance(input, bytes) else input.encode('utf-8', 'surrogateescape')
    process = subprocess.Popen(argv, executable=executable, cwd=cwd, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, env=env, **popen)
    try:
        out, err = process.communicate(data, timeout=deadline)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGABRT)
        try:
            out, err = process.communicate(timeout=10)
        except subprocess.TimeoutExpired:
            process.kill()
            out, err = process.communicate(timeout=10)
        raise AssertionError(f'{argv} did not end in {deadline} s; it said\n{decode(out)}\n{decode(err)}') from None
    result = Result(decode(out), decode(err), process.returncode)
    for report in ('AddressSanitizer', 'runtime error:', 'LeakSanitizer', 'ThreadSanitizer'):
        assert report not in result.err, f'{argv}\n{result}'
    if FLAVOUR == 'valgrind' and program == BLKSCOPE:
        assert result.status != 99, f'{argv}\n{result}'
    return result


def blkscope(*args, **options):
    """Ours, under its own name."""
    return run(args, **options)


def drop_in(*args, **options):
    """Ours, called qemu-io."""
    return run(args, name='qemu-io', **options)


def reference(*args, **options):
    return run(args, program=REFERENCE, name='qemu-io', **options)


def decode(data):
    return data.decode('utf-8', 'surrogateescape')


def commands(lines):
    """Arguments that have the program run these."""
    return [word for line in lines for word in ('-c', line)]


def both(args):
    """The reference program and ours with the same arguments say the same, times aside; what ours said."""
    theirs, ours = reference(*args), drop_in(*args)
    assert without_times(ours.out) == without_times(theirs.out), args
    assert (ours.err, ours.status) == (theirs.err, theirs.status), args
    return ours


# ---- output ----

_UNIT = r'(?:bytes|[KMGTPE]iB)'
_NUMBER = r'-?(?:[\d.]+|inf|nan)'
_TIME = r'(?:\d\d\.\d\d sec|\d+:\d\d:\d\d\.\d\d)'
_TIME_24 = r'(?:0\.\d{4} sec|\d+:\d\d:\d\d\.\d\d)'


def without_times(text, dialect='7.2'):
    """Takes out what differs between two runs of one program: times, rates, generated node names.

    Only well-formed ones are taken, so that a wrong format shows.
    """
    time = _TIME if dialect == '7.2' else _TIME_24
    text = re.sub(rf'([\d.]+ {_UNIT}, \d+ ops; ){time} \({_NUMBER} {_UNIT}/sec and (?:\d+\.\d{{4}}|-?inf|-?nan) ops/sec\)',
                  r'\1TIME', text)
    return re.sub(r'(\d+,\d+),\d+:\d\d:\d\d\.\d\d,(?:\d+\.\d{3}|-?inf|-?nan),(?:\d+\.\d{3}|-?inf|-?nan)(?=\n|$)', r'\1,TIME', text)


def difference(theirs, ours):
    """A diff for people, empty when equal."""
    return '\n'.join(difflib.unified_diff(theirs.splitlines(), ours.splitlines(), 'reference', 'blkscope', lineterm='', n=3))


# ---- images ----

def make_image(path, size=4 * MIB):
    """The usual image: a quarter of 0x11, a hole, a quarter of text that tells its own offset, a hole.

    In large ones the quarters hold 16 MiB of data at most.
    """
    quarter = size // 4
    data = min(quarter, 16 * MIB)
    with open(path, 'wb') as file:
        file.truncate(size)
        file.write(b'\x11' * data)
        file.seek(2 * quarter)
        file.write(b''.join(b'%015x\n' % offset for offset in range(2 * quarter, 2 * quarter + data, 16)))


def create_encrypted(*args, cwd=None):
    """qemu-img create, which measures the processor first and gives up when other programs keep it busy: again until it does."""
    for _ in range(50):
        result = subprocess.run(['qemu-img', 'create', '-q', *map(str, args)], cwd=cwd, capture_output=True, text=True)
        if result.returncode == 0:
            return
    raise AssertionError(f'no encrypted image could be made: {result.stderr}')


def same_bytes(a, b):
    """None if two files hold the same bytes, else where they first differ.  Holes that both have are not read."""
    if os.path.getsize(a) != os.path.getsize(b):
        return f'sizes {os.path.getsize(a)} and {os.path.getsize(b)}'
    runs = merged(extents(a) + extents(b))
    with open(a, 'rb') as one, open(b, 'rb') as two:
        for start, end in runs:
            one.seek(start)
            two.seek(start)
            while start < end:
                x, y = one.read(min(MIB, end - start)), two.read(min(MIB, end - start))
                if x != y:
                    at = next(i for i, (p, q) in enumerate(zip(x, y)) if p != q)
                    return f'they differ at {start + at:#x}: {x[at:at + 16].hex(" ")} and {y[at:at + 16].hex(" ")}'
                start += len(x)
    return None


def merged(runs):
    result = []
    for start, end in sorted(runs):
        if result and start <= result[-1][1]:
            result[-1][1] = max(result[-1][1], end)
        else:
            result.append([start, end])
    return result


def extents(path):
    """The data runs of a file, as (start, end), from the file system."""
    found = []
    fd = os.open(path, os.O_RDONLY)
    try:
        size = os.fstat(fd).st_size
        offset = 0
        while offset < size:
            try:
                start = os.lseek(fd, offset, os.SEEK_DATA)
            except OSError:
                break
            offset = os.lseek(fd, start, os.SEEK_HOLE)
            found.append((start, offset))
    finally:
        os.close(fd)
    return found
