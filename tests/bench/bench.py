#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Measures the program against the reference in one run: each work is done by both in turn, and the medians are compared.

usage: bench.py --program build/blkscope [--write doc/benchmarks.md] [--runs N] [--only WORDS] [GROUP...]

Groups: raw, startup, screen, tables, qcow2, nbd; all of them unless some are named.
"""
import argparse
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

import nbd  # noqa: E402
import qcow2  # noqa: E402
import raw  # noqa: E402
import screen  # noqa: E402
import startup  # noqa: E402
import tables  # noqa: E402
from harness import Bench, support  # noqa: E402

GROUPS = {'raw': raw, 'startup': startup, 'screen': screen, 'tables': tables, 'qcow2': qcow2, 'nbd': nbd}
HEAD = '''# Speed

Each work is done by both programs in turn within one run, the page cache warm; the numbers are medians of several runs, and the ratio says
how many times as fast blkscope is, "CPU" the same of processor time, user and system together. `./dev bench` repeats it and rewrites the
tables of this file, `./dev bench qcow2 nbd` those of some groups; `./dev bench --only 'read -v'` measures one line without writing. The
reference is `{version}`; "default" is its thread pool, "io_uring" its `-i io_uring`.
'''


def cpu():
    for line in Path('/proc/cpuinfo').read_text().splitlines():
        if line.startswith('model name'):
            return line.split(':')[1].strip()
    return platform.machine()


def section(group, rows):
    lines = [f'| {row.work} | {row.ours} | {row.theirs} | {row.ratio} | {row.cpu} | {row.target} | {"yes" if row.met else "NO"} |'
             for row in rows]
    return f'''## {group.TITLE}

{time.strftime("%Y-%m-%d", time.gmtime())}, {os.cpu_count()} x {cpu()}, Linux {'.'.join(platform.release().split('.')[:2])}.

| work | blkscope | reference | ratio | CPU | at least | met |
| --- | ---: | ---: | ---: | ---: | ---: | --- |
{chr(10).join(lines)}

{group.NOTES}
'''


def sections(text):
    """{title: its text}, as they were written."""
    return {piece.split('\n', 1)[0]: '## ' + piece.rstrip('\n') + '\n' for piece in re.split(r'^## ', text, flags=re.M)[1:]}


def write(path, measured):
    """Those that were measured are put in place of what was there; what nobody measures stays at the end."""
    version = subprocess.run([support.REFERENCE, '--version'], capture_output=True, text=True, check=True).stdout.splitlines()[0]
    found = sections(path.read_text()) if path.exists() else {}
    found.update({GROUPS[name].TITLE: section(GROUPS[name], rows) for name, rows in measured.items()})
    order = [group.TITLE for group in GROUPS.values()]
    titles = [title for title in order if title in found] + [title for title in found if title not in order]
    path.write_text('\n'.join([HEAD.format(version=version), *(found[title] for title in titles)]))
    print(f'written: {path}')


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('--program', required=True)
    parser.add_argument('--write', type=Path)
    parser.add_argument('--runs', type=int, default=7)
    parser.add_argument('--only', default='')
    parser.add_argument('groups', nargs='*', choices=[[], *GROUPS], metavar='GROUP')
    args = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix='blkscope-bench-'))
    measured = {}
    print(f'{"work":80} {"blkscope":>12} {"reference":>12} {"ratio":>8} {"CPU":>8}  {"at least":>10}')
    try:
        for name in args.groups or GROUPS:
            bench = Bench(str(Path(args.program).resolve()), folder, args.runs, args.only)
            GROUPS[name].run(bench)
            measured[name] = bench.rows
    finally:
        shutil.rmtree(folder)
    if args.write and not args.only:
        write(args.write, measured)


main()
