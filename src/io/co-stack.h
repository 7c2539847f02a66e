/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Stacks for coroutines: slabs of address space, a guard page below each stack.  For co.c alone. */
#pragma once

#if defined __SANITIZE_ADDRESS__
#define CO_ASAN 1
#elif defined __has_feature
#if __has_feature(address_sanitizer)
#define CO_ASAN 1
#endif
#endif
#ifndef CO_ASAN
#define CO_ASAN 0
#endif

#if defined __SANITIZE_THREAD__
#define CO_TSAN 1
#elif defined __has_feature
#if __has_feature(thread_sanitizer)
#define CO_TSAN 1
#endif
#endif
#ifndef CO_TSAN
#define CO_TSAN 0
#endif

#include <stdbool.h>

/*
 * Usable bytes of a stack: address space for a chain of a thousand nodes (block/open.h); instrumented frames are two or three times as big.
 */
enum { CO_STACK_SIZE = (CO_ASAN || CO_TSAN ? 4 : 2) << 20 };

/* Whether the next n co_stack_new() will find memory; n is at most a slab's 64. */
bool co_stack_reserve(unsigned n);
/* The lowest usable byte of a stack; all of its memory reads as zero.  Ends the program when there is no memory. */
void *co_stack_new(void);
/* Gives its memory back to the system and keeps the address for the next co_stack_new(). */
void co_stack_free(void *stack);
/* Unmaps all; every stack was freed. */
void co_stack_done(void);
