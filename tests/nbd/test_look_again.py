# SPDX-License-Identifier: GPL-3.0-or-later
"""What others write to an export is told by nobody: reading again shows it."""
import subprocess
import sys
import time
from pathlib import Path

import support
from support import MIB

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parent.parent / 'sandbox'), str(Path(__file__).parent.parent / 'qcow2')]

import servers  # noqa: E402
from images import create, write  # noqa: E402
from session import session  # noqa: E402


def wait_for(running, *texts):
    deadline = time.monotonic() + support.DEADLINE
    while not all(text in (seen := running.run('screen')) for text in texts):
        assert time.monotonic() < deadline, seen


def test_reading_again_shows_what_others_wrote_to_an_export(work):
    """Tables and all, and compares again: the image is qcow2, and another client of its server writes."""
    for name in ('image.qcow2', 'other.qcow2'):
        create(work / name, MIB)
        write(work / name, 'write -P 5 0 1M')
    client = f'driver=qcow2,discard=unmap,file.driver=nbd,file.server.type=unix,file.server.path={work / "s"}'
    with servers.qemu_nbd(work / 's', '-f', 'raw', work / 'image.qcow2'), \
            session('--headless', '--no-config', '--no-sandbox', '-f', 'qcow2', 'nbd:unix:s', cwd=work, env=support.screen_environment()) as running:
        for line in ('differences other.qcow2', 'goto 512k hex', 'focus map', 'map-difference-list'):
            running.run(line)
        wait_for(running, '│0 · not followed', ' '.join(['05'] * 8))
        for number, (key, offset) in enumerate([('map-scan', 512), ('hex-read-again', 768)], 1):
            subprocess.run(['qemu-io', '--image-opts', '-c', f'write -z {offset}k 64k', client], check=True, stdout=subprocess.DEVNULL)
            running.run(f'goto {offset}k')
            running.run(key)
            wait_for(running, f'│000{offset * 1024:x}  ' + ' '.join(['00'] * 8), f'│{number} · not followed')
