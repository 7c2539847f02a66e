/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Switching stacks: saves what a function call preserves, changes the stack pointer, and goes on there.  For co.c
 * alone. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#if defined __x86_64__ || defined __aarch64__

/* The stack pointer of a suspended context; everything else is saved on its stack. */
struct co_context {
    void *sp;
};

/* Signal masks and floating point modes are not switched: no coroutine changes them. */
void co_context_switch(struct co_context *save, const struct co_context *load);

#if defined __x86_64__

/* The indirect jump is predicted where a return to another stack never is. */
asm(".pushsection .text\n"
    ".p2align 4\n"
    ".hidden co_context_switch\n"
    ".globl co_context_switch\n"
    ".type co_context_switch, @function\n"
    "co_context_switch:\n"
    ".cfi_startproc\n"
    "pushq %rbp\n.cfi_adjust_cfa_offset 8\n"
    "pushq %rbx\n.cfi_adjust_cfa_offset 8\n"
    "pushq %r12\n.cfi_adjust_cfa_offset 8\n"
    "pushq %r13\n.cfi_adjust_cfa_offset 8\n"
    "pushq %r14\n.cfi_adjust_cfa_offset 8\n"
    "pushq %r15\n.cfi_adjust_cfa_offset 8\n"
    "movq %rsp, (%rdi)\n"
    "movq (%rsi), %rsp\n"
    "popq %r15\n.cfi_adjust_cfa_offset -8\n"
    "popq %r14\n.cfi_adjust_cfa_offset -8\n"
    "popq %r13\n.cfi_adjust_cfa_offset -8\n"
    "popq %r12\n.cfi_adjust_cfa_offset -8\n"
    "popq %rbx\n.cfi_adjust_cfa_offset -8\n"
    "popq %rbp\n.cfi_adjust_cfa_offset -8\n"
    "popq %rcx\n.cfi_adjust_cfa_offset -8\n.cfi_register %rip, %rcx\n"
    "jmpq *%rcx\n"
    ".cfi_endproc\n"
    ".size co_context_switch, . - co_context_switch\n"
    ".popsection\n");

static inline void co_context_init(struct co_context *context, void *stack, void *top, void (*entry)(void))
{
    /* r15 r14 r13 r12 rbx rbp, where to go, and a return address of zero where backtraces end. */
    uintptr_t *sp = (uintptr_t *)((uintptr_t)top & -(uintptr_t)16) - 8;
    for (int i = 0; i < 8; i++)
        sp[i] = 0;
    sp[6] = (uintptr_t)entry;
    context->sp = sp;
}

#else

asm(".pushsection .text\n"
    ".p2align 4\n"
    ".hidden co_context_switch\n"
    ".globl co_context_switch\n"
    ".type co_context_switch, %function\n"
    "co_context_switch:\n"
    ".cfi_startproc\n"
    "sub sp, sp, #160\n.cfi_adjust_cfa_offset 160\n"
    "stp x19, x20, [sp, #0]\n"
    "stp x21, x22, [sp, #16]\n"
    "stp x23, x24, [sp, #32]\n"
    "stp x25, x26, [sp, #48]\n"
    "stp x27, x28, [sp, #64]\n"
    "stp x29, x30, [sp, #80]\n"
    "stp d8, d9, [sp, #96]\n"
    "stp d10, d11, [sp, #112]\n"
    "stp d12, d13, [sp, #128]\n"
    "stp d14, d15, [sp, #144]\n"
    "mov x9, sp\n"
    "str x9, [x0]\n"
    "ldr x9, [x1]\n"
    "mov sp, x9\n"
    "ldp x19, x20, [sp, #0]\n"
    "ldp x21, x22, [sp, #16]\n"
    "ldp x23, x24, [sp, #32]\n"
    "ldp x25, x26, [sp, #48]\n"
    "ldp x27, x28, [sp, #64]\n"
    "ldp x29, x30, [sp, #80]\n"
    "ldp d8, d9, [sp, #96]\n"
    "ldp d10, d11, [sp, #112]\n"
    "ldp d12, d13, [sp, #128]\n"
    "ldp d14, d15, [sp, #144]\n"
    "add sp, sp, #160\n.cfi_adjust_cfa_offset -160\n"
    "ret\n"
    ".cfi_endproc\n"
    ".size co_context_switch, . - co_context_switch\n"
    ".popsection\n");

static inline void co_context_init(struct co_context *context, void *stack, void *top, void (*entry)(void))
{
    /* x19..x28, frame pointer, where to go, d8..d15. */
    uintptr_t *sp = (uintptr_t *)((uintptr_t)top & -(uintptr_t)16) - 20;
    for (int i = 0; i < 20; i++)
        sp[i] = 0;
    sp[11] = (uintptr_t)entry;
    context->sp = sp;
}

#endif

#else /* any other processor: correct, at the price of a system call a switch */

#include <ucontext.h>

struct co_context {
    ucontext_t ucontext;
};

static inline void co_context_switch(struct co_context *save, const struct co_context *load)
{
    swapcontext(&save->ucontext, &load->ucontext);
}

static inline void co_context_init(struct co_context *context, void *stack, void *top, void (*entry)(void))
{
    getcontext(&context->ucontext);
    context->ucontext.uc_stack.ss_sp = stack;
    context->ucontext.uc_stack.ss_size = (char *)top - (char *)stack;
    context->ucontext.uc_link = NULL;
    makecontext(&context->ucontext, entry, 0);
}

#endif
