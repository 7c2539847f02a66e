# SPDX-License-Identifier: GPL-3.0-or-later
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import support  # noqa: E402


@pytest.fixture
def work(tmp_path):
    """A folder of the test's own."""
    return tmp_path


def pytest_report_header():
    return f'program: {support.BLKSCOPE}, reference: {support.REFERENCE}'
