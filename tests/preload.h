/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What libraries have in common that are preloaded into the program under test, in front of the C library's calls.
 *
 * All the calls wrapped there take integers and pointers, at most six, and return one: on the machines that the tests run on the C
 * calling convention passes all of them through a function of six longs, those with a variable number included.  So the headers that
 * declare them are not included.
 */
#pragma once

extern void *dlsym(void *handle, const char *name);

static void *const next_object = (void *)-1L; /* RTLD_NEXT */

typedef long call_fn(long, long, long, long, long, long);

/* The C library's own; *kept: NULL before it was looked up. */
static call_fn *real(call_fn **kept, const char *name)
{
    if (!*kept)
        *(void **)kept = dlsym(next_object, name);
    return *kept;
}

/* A file of at least so many bytes, shared by all who map it, from its beginning; NULL: not to be had. */
static void *map_shared(const char *path, unsigned long bytes)
{
    enum { OPEN_READ_WRITE = 2, MAP_READ_WRITE = 3, MAP_SHARED_ = 1 };
    static call_fn *next_open, *next_map, *next_close;
    long fd = path ? real(&next_open, "open64")((long)path, OPEN_READ_WRITE, 0, 0, 0, 0) : -1;
    if ((int)fd < 0)
        return (void *)0;
    long memory = real(&next_map, "mmap64")(0, (long)bytes, MAP_READ_WRITE, MAP_SHARED_, fd, 0);
    real(&next_close, "close")(fd, 0, 0, 0, 0, 0);
    return memory == -1 ? (void *)0 : (void *)memory;
}
