/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Landlock comes first: the calls that it takes are not among those that seccomp leaves.
 *
 * What is not left the program does not try, and it says why: so it behaves the same on every kernel, and what the kernel enforces is for the day
 * when it is no longer the program that decides.
 *
 * Reading is not restricted: whoever can speak for the process could read what the user can read, but has nowhere to send it.
 */
#include "config.h"

#include "io/sandbox.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/prctl.h>

#include "io/landlock.h"
#include "io/seccomp.h"

#if HAVE_VALGRIND
#include <valgrind/valgrind.h>
#endif

/* gcc's coverage counters are written when the program ends, into the folder that it was built in. */
#ifndef SANDBOX_COVERAGE_FOLDER
#define SANDBOX_COVERAGE_FOLDER NULL
#endif

enum { EXCEPTIONS_MAX = 8 };

enum {
    /* Nobody needs these. */
    NEVER = LANDLOCK_EXECUTE | LANDLOCK_REMOVE_DIR | LANDLOCK_MAKE_CHAR | LANDLOCK_MAKE_BLOCK | LANDLOCK_MAKE_SOCK | LANDLOCK_MAKE_FIFO | LANDLOCK_MAKE_SYM,
    IN_FOLDERS = LANDLOCK_WRITE_FILE | LANDLOCK_TRUNCATE | LANDLOCK_REMOVE_FILE | LANDLOCK_MAKE_REG | LANDLOCK_MAKE_DIR,
    WRITING = IN_FOLDERS | LANDLOCK_REFER,
};

static struct sandbox_state state;

const struct sandbox_state *sandbox_state(void)
{
    return &state;
}

void sandbox_be_read_only(void)
{
    state.read_only = true;
}

bool sandbox_is_read_only(void)
{
    return state.read_only;
}

bool sandbox_forbids_programs(void)
{
    return state.closed;
}

bool sandbox_forbids_network(void)
{
    return state.closed && !state.network;
}

static bool on_valgrind(void)
{
#if HAVE_VALGRIND
    return RUNNING_ON_VALGRIND;
#else
    return false;
#endif
}

static int restrict_files(const struct sandbox_how *how)
{
    struct landlock_exception exceptions[EXCEPTIONS_MAX + 1] = {{"/dev/null", LANDLOCK_WRITE_FILE | LANDLOCK_TRUNCATE}};
    struct landlock_rules rules = {.deny = how->writable ? NEVER : NEVER | WRITING, .except = exceptions, .tcp_port = how->network ? how->tcp_port : 0};
    unsigned n = 1;
    if (SANDBOX_COVERAGE_FOLDER)
        exceptions[n++] = (struct landlock_exception){SANDBOX_COVERAGE_FOLDER, IN_FOLDERS};
    for (const char *const *folder = how->folders; folder && *folder && n < EXCEPTIONS_MAX; folder++)
        exceptions[n++] = (struct landlock_exception){*folder, IN_FOLDERS};
    return landlock_restrict(&rules);
}

static bool writes_somewhere(const struct sandbox_how *how)
{
    return how->writable || (how->folders && *how->folders) || SANDBOX_COVERAGE_FOLDER;
}

static int restrict_calls(const struct sandbox_how *how)
{
    struct sock_filter program[SECCOMP_PROGRAM_MAX];
    struct seccomp_rules rules = {
        .opens_for_writing = writes_somewhere(how),
        .changes_names = writes_somewhere(how),
        .changes_files = how->writable,
        .network = how->network,
    };
    for (unsigned i = 0; i < SANDBOX_HELPERS_MAX && how->helpers && how->helpers[i]; i++)
        rules.helpers[i] = how->helpers[i];
    return seccomp_load(program, seccomp_program(&rules, program));
}

void sandbox_close(const struct sandbox_how *how)
{
    if (state.closed)
        return;
    state = (struct sandbox_state){
        .closed = true, .landlock_abi = landlock_abi(), .read_only = !how->writable, .network = how->network, .any_server = how->network};
    if (on_valgrind()) { /* which makes calls of its own, and code */
        state.reason = "valgrind runs the program";
        return;
    }
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0) {
        state.reason = "this kernel is too old for it";
        return;
    }
    /* What a locale needs to convert text is code that is loaded when it is used first. */
    mbtowc(NULL, "", 1);
    if (restrict_files(how) == 0)
        state.parts |= SANDBOX_FILES;
    else
        state.reason = "this kernel has no Landlock, or does not let the program use it";
    state.any_server = how->network && (!state.parts || state.landlock_abi < LANDLOCK_FIRST_ABI_TCP || how->tcp_port < 0);
    if (restrict_calls(how) == 0)
        state.parts |= SANDBOX_CALLS;
    else
        state.reason = state.parts ? "this kernel has no seccomp filters, or does not let the program use them"
                                   : "this kernel has neither Landlock nor seccomp filters, or does not let the program use them";
}
