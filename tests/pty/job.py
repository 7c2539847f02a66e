#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""A shell of two commands: runs a program as the foreground job of the terminal on its stdin, says on fd 3 what becomes of it
("stopped 20", "exited 0", "killed 11"), and continues it for every line "fg" on fd 4.

usage: job.py TERMINAL PROGRAM NAME [ARG]...
"""
import fcntl
import os
import signal
import sys
import termios


def main(terminal, program, name, *args):
    # Leader of a session with the terminal as its own: only then does Ctrl-Z reach a job.
    os.setsid()
    fd = os.open(terminal, os.O_RDWR)
    fcntl.ioctl(fd, termios.TIOCSCTTY, 0)
    for number in (signal.SIGTTOU, signal.SIGTTIN, signal.SIGTSTP):
        signal.signal(number, signal.SIG_IGN)
    report, orders = os.fdopen(3, 'w'), os.fdopen(4)

    child = os.fork()
    if child == 0:
        os.setpgid(0, 0)
        os.tcsetpgrp(fd, os.getpgrp())
        # Whoever started the tests may have ignored some (nohup does).
        for number in signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}:
            signal.signal(number, signal.SIG_DFL)
        for target in (0, 1, 2):
            os.dup2(fd, target)
        os.closerange(3, 64)
        os.execv(program, [name, *args])
    print('pid', child, file=report, flush=True)
    while True:
        _, status = os.waitpid(child, os.WUNTRACED)
        # The terminal is the shell's while the job does not run.
        os.tcsetpgrp(fd, os.getpgrp())
        if os.WIFSTOPPED(status):
            print('stopped', os.WSTOPSIG(status), file=report, flush=True)
            if not orders.readline():
                os.kill(child, signal.SIGKILL)
                continue
            os.tcsetpgrp(fd, child)
            os.kill(child, signal.SIGCONT)
        elif os.WIFSIGNALED(status):
            print('killed', os.WTERMSIG(status), file=report, flush=True)
            return
        else:
            print('exited', os.WEXITSTATUS(status), file=report, flush=True)
            return


main(*sys.argv[1:])
