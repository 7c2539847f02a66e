# SPDX-License-Identifier: GPL-3.0-or-later
import shutil
import signal
import sys
import tempfile
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import support  # noqa: E402

# Whoever starts the tests in the background ignores these, and so would what they start.
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGQUIT, signal.SIG_DFL)


@pytest.fixture(autouse=True)
def limit():
    """Ends a test that hangs in a wait of its own, wherever that is."""
    def late(*_):
        raise AssertionError(f'the test did not end in {support.LIMIT} s')

    before = signal.signal(signal.SIGALRM, late)
    signal.alarm(support.LIMIT)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


@pytest.fixture
def work(request, tmp_path):
    """A folder of the test's own, gone with it: what is never written out costs no disk any time."""
    folder = tmp_path
    if support.MEMORY and request.node.get_closest_marker('in_memory'):
        folder = Path(tempfile.mkdtemp(dir=support.MEMORY))
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


def pytest_report_header():
    return f'program: {support.BLKSCOPE}, reference: {support.REFERENCE}'
