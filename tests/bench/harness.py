# SPDX-License-Identifier: GPL-3.0-or-later
"""What the groups of bench.py share: works done in turns, medians, and rows of the table."""
import os
import re
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import support  # noqa: E402
from support import MIB  # noqa: E402

QEMU_IMG = '/usr/bin/qemu-img'
POLL = 0.005


@dataclass
class Run:
    """A command line to measure."""
    args: list
    program: str = support.REFERENCE
    name: str = 'qemu-io'    # argv[0]
    script: Path = None      # what stdin is
    prepare: object = None   # called before, not measured


@dataclass
class Row:
    work: str
    ours: str
    theirs: str
    ratio: str
    cpu: str
    target: str
    met: bool


class Bench:
    def __init__(self, program, folder, runs, only):
        self.program, self.folder, self.runs, self.only = program, folder, runs, only
        self.rows = []

    def wanted(self, *works):
        return not self.only or any(self.only in work for work in works)

    def ours(self, args, **more):
        return Run(args, program=self.program, **more)

    def once(self, run):
        """Seconds of wall clock from before its start until its end is known, and of processor time."""
        if run.prepare:
            run.prepare()
        stdin = open(run.script, 'rb') if run.script else subprocess.DEVNULL
        with open(self.folder / 'stderr', 'w+b') as err:
            begin = time.perf_counter()
            process = subprocess.Popen([run.name, *map(str, run.args)], executable=run.program, cwd=self.folder, stdin=stdin,
                                       stdout=subprocess.DEVNULL, stderr=err, env=support.environment())
            _, status, usage = os.wait4(process.pid, 0)
            taken = time.perf_counter() - begin
            process.returncode = os.waitstatus_to_exitcode(status)
            if process.returncode:
                err.seek(0)
                sys.exit(f'{run.program} {run.args}: status {process.returncode}\n{err.read().decode()}')
        if run.script:
            stdin.close()
        return taken, usage.ru_utime + usage.ru_stime

    def compare(self, work, targets, ours, theirs, runs=None):
        """theirs: {name: Run}, each against ours, in turns; targets: how many times as fast ours is to be, None: only told."""
        if not self.wanted(work):
            return
        taken = {name: [] for name in ['ours', *theirs]}
        for turn in range((runs or self.runs) + 1):
            for name, run in [('ours', ours), *theirs.items()]:
                times = self.once(run)
                if turn:  # the first warms caches up
                    taken[name].append(times)
        wall, cpu = ({name: statistics.median(times[i] for times in taken[name]) for name in taken} for i in (0, 1))
        for name in theirs:
            ratio = wall[name] / wall['ours']
            target = targets.get(name) if isinstance(targets, dict) else targets
            self.row(work + (f' (reference: {name})' if len(theirs) > 1 else ''), milliseconds(wall['ours']), milliseconds(wall[name]),
                     f'{ratio:.2f}', f'{cpu[name] / max(cpu["ours"], 0.001):.2f}', '-' if target is None else f'{target}',
                     target is None or ratio >= target)

    def memory(self, run):
        """The most bytes that a run has in memory."""
        process = subprocess.Popen([run.name, *map(str, run.args)], executable=run.program, cwd=self.folder, stdin=subprocess.DEVNULL,
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=support.environment())
        peak = 0
        # What the kernel tells when it ended counts this interpreter, too, of which it was a copy.
        while process.poll() is None:
            found = re.search(r'VmHWM:\s+(\d+)', Path(f'/proc/{process.pid}/status').read_text())
            peak = max(peak, int(found[1]) * 1024 if found else 0)
            time.sleep(POLL)
        return peak

    def memory_row(self, work, limit, ours, theirs):
        if not self.wanted(work):
            return
        own, other = self.memory(ours), self.memory(theirs) if theirs else None
        self.row(work, mebibytes(own), mebibytes(other) if theirs else '-', f'{other / own:.2f}' if theirs else '-', '-', mebibytes(limit),
                 own < limit)

    def row(self, work, ours, theirs, ratio, cpu, target, met):
        self.rows.append(Row(work, ours, theirs, ratio, cpu, target, met))
        print(f'{work:80} {ours:>12} {theirs:>12} {ratio:>8} {cpu:>8}  {target:>10}  {"met" if met else "NOT MET"}', flush=True)

    def script(self, name, lines):
        path = self.folder / name
        path.write_text('\n'.join(lines) + '\n')
        return path

    def qemu_img(self, *args):
        subprocess.run([QEMU_IMG, *map(str, args)], cwd=self.folder, check=True, stdout=subprocess.DEVNULL)


def milliseconds(seconds):
    return f'{seconds * 1000:.1f} ms'


def mebibytes(size):
    return f'{size / MIB:.1f} MiB'


def fetch_cached(path):
    with open(path, 'rb') as file:
        while file.read(16 * MIB):
            pass
