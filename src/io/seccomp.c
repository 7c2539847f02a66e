/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The program is a binary search by number: the kernel walks through it once for each of its system calls when it is loaded, to learn which of
 * them need no look at their arguments, and a list of comparisons would take a quarter of the time that starting does.
 *
 *     architecture -> number -> run of numbers with the same answer -> allowed | EPERM | ENOSYS | look at one argument
 *
 * x32 calls have bit 30 set and so are above the last run.
 */
#include "io/seccomp.h"

#include <asm/unistd.h>
#include <errno.h>
#include <glib.h>
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "io/seccomp-table.h"

#if defined __x86_64__
#define ARCHITECTURE AUDIT_ARCH_X86_64
#elif defined __aarch64__
#define ARCHITECTURE AUDIT_ARCH_AARCH64
#else
#define ARCHITECTURE 0
#endif

enum { NUMBERS = 451 }; /* from here on are calls younger than this table: libraries know what to do without them */

struct builder {
    struct sock_filter *program;
    unsigned len;
    const struct seccomp_rules *rules;
    const struct seccomp_call *calls[NUMBERS]; /* by number; NULL: refused */
};

/* ---- instructions ---- */

static void emit(struct builder *builder, uint16_t code, uint32_t k, uint8_t if_true, uint8_t if_false)
{
    g_assert(builder->len < SECCOMP_PROGRAM_MAX);
    builder->program[builder->len++] = (struct sock_filter){code, if_true, if_false, k};
}

static void emit_load(struct builder *builder, size_t offset)
{
    emit(builder, BPF_LD | BPF_W | BPF_ABS, (uint32_t)offset, 0, 0);
}

static void emit_return(struct builder *builder, uint32_t action)
{
    emit(builder, BPF_RET | BPF_K, action, 0, 0);
}

static void emit_refusal(struct builder *builder, int error)
{
    emit_return(builder, SECCOMP_RET_ERRNO | (uint32_t)error);
}

/* Both tables are for little-endian machines: the lower half of an argument comes first. */
static size_t argument(int index)
{
    return offsetof(struct seccomp_data, args) + (size_t)index * sizeof(uint64_t);
}

/* ---- one argument ---- */

static void emit_if(struct builder *builder, uint16_t test, uint32_t value, bool wanted)
{
    emit(builder, BPF_JMP | test | BPF_K, value, wanted ? 0 : 1, wanted ? 1 : 0);
    emit_return(builder, SECCOMP_RET_ALLOW);
}

static void emit_members(struct builder *builder, const uint32_t *values)
{
    for (; *values != SECCOMP_LIST_END; values++)
        emit_if(builder, BPF_JEQ, *values, true);
}

static void emit_processes(struct builder *builder, bool group)
{
    if (group)
        emit_if(builder, BPF_JEQ, 0, true);
    emit_if(builder, BPF_JEQ, (uint32_t)getpid(), true);
    for (unsigned i = 0; group && i < SECCOMP_HELPERS_MAX && builder->rules->helpers[i]; i++)
        emit_if(builder, BPF_JEQ, (uint32_t)builder->rules->helpers[i], true);
}

/* Ends with the refusal. */
static void emit_check(struct builder *builder, const struct seccomp_check *check)
{
    emit_load(builder, argument(check->argument));
    switch (check->kind) {
    case SECCOMP_NONE_OF:
        emit_if(builder, BPF_JSET, check->mask, false);
        break;
    case SECCOMP_ANY_OF:
        emit_if(builder, BPF_JSET, check->mask, true);
        break;
    case SECCOMP_MASKED_NOT:
        emit(builder, BPF_ALU | BPF_AND | BPF_K, check->mask, 0, 0);
        emit_if(builder, BPF_JEQ, check->value, false);
        break;
    case SECCOMP_IN:
        emit_members(builder, check->values);
        break;
    case SECCOMP_NULL:
        emit(builder, BPF_JMP | BPF_JEQ | BPF_K, 0, 0, 3);
        emit_load(builder, argument(check->argument) + sizeof(uint32_t));
        emit_if(builder, BPF_JEQ, 0, true);
        break;
    case SECCOMP_OURSELVES:
        emit_processes(builder, false);
        break;
    case SECCOMP_OURS:
        emit_processes(builder, true);
        break;
    case SECCOMP_ALWAYS:
    case SECCOMP_MISSING:
        g_assert_not_reached();
    }
    emit_refusal(builder, EPERM);
}

/* ---- the search ---- */

static const struct seccomp_check *check_of(const struct builder *builder, int number)
{
    static const struct seccomp_check missing = {.kind = SECCOMP_MISSING};
    if (number >= NUMBERS)
        return &missing;
    return builder->calls[number] ? builder->calls[number]->check : NULL;
}

static void emit_answer(struct builder *builder, const struct seccomp_check *check)
{
    if (!check)
        emit_refusal(builder, EPERM);
    else if (check->kind == SECCOMP_ALWAYS)
        emit_return(builder, SECCOMP_RET_ALLOW);
    else if (check->kind == SECCOMP_MISSING)
        emit_refusal(builder, ENOSYS);
    else
        emit_check(builder, check);
}

/* Decides between runs [first, end), whose first numbers are in starts. */
static void emit_search(struct builder *builder, const GArray *starts, unsigned first, unsigned end)
{
    if (end - first == 1) {
        emit_answer(builder, check_of(builder, g_array_index(starts, int, first)));
        return;
    }
    unsigned middle = first + (end - first) / 2, jump;
    /* Not less: past the jump, which is as long as need be. */
    emit(builder, BPF_JMP | BPF_JGE | BPF_K, (uint32_t)g_array_index(starts, int, middle), 0, 1);
    jump = builder->len;
    emit(builder, BPF_JMP | BPF_JA, 0, 0, 0);
    emit_search(builder, starts, first, middle);
    builder->program[jump].k = builder->len - jump - 1;
    emit_search(builder, starts, middle, end);
}

static bool applies(const struct seccomp_rules *rules, enum seccomp_when when)
{
    if (rules->broker)
        return when == SECCOMP_FOR_ALL;
    switch (when) {
    case SECCOMP_FOR_ALL:
    case SECCOMP_FOR_SESSION:
        return true;
    case SECCOMP_FOR_READING:
        return !rules->opens_for_writing;
    case SECCOMP_FOR_OPENING:
        return rules->opens_for_writing;
    case SECCOMP_FOR_NAMES:
        return rules->changes_names;
    case SECCOMP_FOR_CHANGES:
        return rules->changes_files;
    case SECCOMP_FOR_NETWORK:
        return rules->network;
    case SECCOMP_FOR_BROKER:
        return false;
    }
    return false;
}

static void take_calls(struct builder *builder)
{
    for (const struct seccomp_call *call = seccomp_table; call->check; call++) {
        if (call->number < NUMBERS && (applies(builder->rules, call->when) || (builder->rules->broker && call->when == SECCOMP_FOR_BROKER)))
            builder->calls[call->number] = call;
    }
}

unsigned seccomp_program(const struct seccomp_rules *rules, struct sock_filter program[static SECCOMP_PROGRAM_MAX])
{
    struct builder builder = {.program = program, .rules = rules};
    g_autoptr(GArray) starts = g_array_new(FALSE, FALSE, sizeof(int));
    if (!ARCHITECTURE)
        return 0;
    take_calls(&builder);
    for (int number = 0; number <= NUMBERS; number++) {
        if (number == 0 || check_of(&builder, number) != check_of(&builder, number - 1))
            g_array_append_val(starts, number);
    }
    emit_load(&builder, offsetof(struct seccomp_data, arch));
    emit(&builder, BPF_JMP | BPF_JEQ | BPF_K, ARCHITECTURE, 1, 0);
    emit_return(&builder, SECCOMP_RET_KILL_PROCESS);
    emit_load(&builder, offsetof(struct seccomp_data, nr));
    emit_search(&builder, starts, 0, starts->len);
    return builder.len;
}

bool seccomp_works(void)
{
    uint32_t action = SECCOMP_RET_ERRNO;
    return ARCHITECTURE && syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action) == 0;
}

int seccomp_load(const struct sock_filter *program, unsigned len)
{
    struct sock_fprog filter = {.len = (unsigned short)len, .filter = (struct sock_filter *)program};
    if (!len)
        return -ENOSYS;
    /* Speculation: the kernel's own rule for the process stays, a filter is no reason to make it slower. */
    long ret = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC | SECCOMP_FILTER_FLAG_SPEC_ALLOW, &filter);
    return ret < 0 ? -errno : ret > 0 ? -ESRCH : 0;
}
