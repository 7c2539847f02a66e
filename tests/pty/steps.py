# SPDX-License-Identifier: GPL-3.0-or-later
"""What tests of the screen do again and again."""

PANELS = ('map', 'hex', 'pending', 'console')


def command(terminal, line):
    """Types a command in the console; the console keeps the focus."""
    terminal.send(':', line, 'Enter')


def leave_console(terminal):
    """Esc, and then nothing until it took effect: a key right behind it would be Alt and that key.  What tells is the last
    line, so all of it must be the console's before: the frame that a test just waited for may be here by half."""
    terminal.wait(lambda t: 'Esc leave' in t and 'Tab next' not in t, "the console's keys in the last line")
    terminal.send('Esc')
    terminal.wait('Tab next')


def quit_by_key(terminal):
    leave_console(terminal)
    terminal.send('q')


def mouse(terminal, code, x, y, final='M'):
    terminal.send(f'\x1b[<{code};{x + 1};{y + 1}{final}')
