/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the fuzz targets share.  A target is one .c file here that defines fuzz_one(); it is linked with libFuzzer (`./dev fuzz TARGET`) or with
 * replay.c, which goes through its corpus and changes it in a way that repeats itself (a unit test).
 */
#pragma once

#include <glib.h>
#include <stddef.h>
#include <stdint.h>

#include "io/aio.h"
#include "io/co.h"

/* The target: one input of at most FUZZ_MAX bytes.  Leaves nothing behind: no memory, no open file, no running coroutine. */
void fuzz_one(const uint8_t *data, size_t size);

enum { FUZZ_MAX = 1 << 18 };

/* The back end for images; one for the whole run.  Its requests are carried out by fuzz_turn(): no thread takes part, nothing is left to chance. */
struct aio *fuzz_aio(void);
/* A turn of the loop, for who waits for something. */
void fuzz_turn(void);
/* Runs fn in a coroutine until it, and all it started, ended. */
void fuzz_run_co(void (*fn)(const uint8_t *data, size_t size), const uint8_t *data, size_t size);
/* A terminated copy (g_free). */
char *fuzz_text(const uint8_t *data, size_t size);

/* What libFuzzer calls. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
