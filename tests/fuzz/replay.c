/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Without libFuzzer: replay FOLDER|FILE... plays every file, and then as many changed ones as BLKSCOPE_FUZZ_RUNS says (2000), the same each time:
 * BLKSCOPE_FUZZ_SEED is the first.  What fails can be played alone: it is in the file that the last line names.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fuzz.h"

enum { RUNS = 2000, SECONDS = 20 /* for one input; sanitizers and valgrind are slow */ };

static GPtrArray *corpus; /* GBytes */
static uint8_t *last;
static size_t last_size;

static void say(const char *text)
{
    ssize_t ignored = write(STDERR_FILENO, text, strlen(text));
    (void)ignored;
}

/* Keeps the input, then dies as it would have. */
static void on_signal(int number)
{
    FILE *file = fopen("fuzz-failed", "wb");
    if (file) {
        fwrite(last, 1, last_size, file);
        fclose(file);
    }
    say(number == SIGALRM ? "the input takes too long; it is in fuzz-failed\n" : "the input is in fuzz-failed\n");
    signal(number, SIG_DFL);
    raise(number);
}

static int by_name(gconstpointer a, gconstpointer b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void load(const char *path)
{
    g_autoptr(GDir) folder = g_dir_open(path, 0, NULL);
    if (folder) {
        g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
        for (const char *name; (name = g_dir_read_name(folder));)
            g_ptr_array_add(names, g_build_filename(path, name, NULL));
        g_ptr_array_sort(names, by_name);
        for (unsigned i = 0; i < names->len; i++)
            load(names->pdata[i]);
        return;
    }
    char *data;
    gsize size;
    g_autoptr(GError) error = NULL;
    if (!g_file_get_contents(path, &data, &size, &error))
        g_error("%s", error->message);
    g_ptr_array_add(corpus, g_bytes_new_take(data, size));
}

static void play(const uint8_t *data, size_t size)
{
    last = g_memdup2(data, size);
    last_size = size;
    alarm(SECONDS);
    LLVMFuzzerTestOneInput(last, size);
    alarm(0);
    g_clear_pointer(&last, g_free);
}

/* Big-endian numbers that are near some limit. */
static void put_number(uint8_t *at, unsigned width, GRand *rand)
{
    static const uint64_t numbers[] = {0, 1, 2, 3, 9, 21, 104, 112, 0x200, 0x10000, 1u << 31, UINT64_C(1) << 32, UINT64_C(1) << 56,
                                       UINT64_C(1) << 61, UINT64_C(1) << 62, UINT64_C(1) << 63, INT64_MAX, UINT64_MAX};
    uint64_t value = numbers[g_rand_int_range(rand, 0, G_N_ELEMENTS(numbers))] + g_rand_int_range(rand, -1, 2);
    for (unsigned i = 0; i < width; i++)
        at[i] = value >> 8 * (width - 1 - i);
}

static void change(uint8_t *data, size_t size, GRand *rand)
{
    /* What says how the rest is to be understood mostly comes first. */
    size_t within = g_rand_boolean(rand) ? MIN(size, 128) : size;
    size_t at = g_rand_int_range(rand, 0, within);
    unsigned width = 1u << g_rand_int_range(rand, 0, 4);
    width = MIN(width, size - at);
    switch (g_rand_int_range(rand, 0, 4)) {
    case 0:
        data[at] ^= 1 << g_rand_int_range(rand, 0, 8);
        break;
    case 1:
        data[at] = g_rand_int(rand);
        break;
    case 2:
        put_number(data + at, width, rand);
        break;
    case 3: { /* a piece from elsewhere */
        size_t from = g_rand_int_range(rand, 0, size);
        memmove(data + at, data + from, MIN(width, size - from));
        break;
    }
    }
}

static void play_changed(GRand *rand)
{
    GBytes *seed = corpus->pdata[g_rand_int_range(rand, 0, corpus->len)];
    gsize size;
    const uint8_t *bytes = g_bytes_get_data(seed, &size);
    g_autofree uint8_t *data = g_memdup2(bytes, size);
    for (int n = size ? 1 << g_rand_int_range(rand, 0, 5) : 0; n > 0; n--)
        change(data, size, rand);
    if (size > 0 && g_rand_int_range(rand, 0, 10) == 0)
        size = g_rand_int_range(rand, 0, size);
    play(data, size);
}

static uint64_t number_from_environment(const char *name, uint64_t fallback)
{
    const char *text = g_getenv(name);
    return text ? strtoull(text, NULL, 0) : fallback;
}

int main(int argc, char **argv)
{
    static const int numbers[] = {SIGALRM, SIGABRT, SIGSEGV, SIGBUS, SIGFPE, SIGILL};
    for (unsigned i = 0; i < G_N_ELEMENTS(numbers); i++)
        signal(numbers[i], on_signal);
    corpus = g_ptr_array_new_with_free_func((GDestroyNotify)g_bytes_unref);
    for (int i = 1; i < argc; i++)
        load(argv[i]);
    printf("1..2\n");
    for (unsigned i = 0; i < corpus->len; i++) {
        gsize size;
        const uint8_t *data = g_bytes_get_data(corpus->pdata[i], &size);
        play(data, size);
    }
    printf("ok 1 the corpus\n");
    uint64_t runs = corpus->len ? number_from_environment("BLKSCOPE_FUZZ_RUNS", RUNS) : 0;
    g_autoptr(GRand) rand = g_rand_new_with_seed(number_from_environment("BLKSCOPE_FUZZ_SEED", 1));
    for (uint64_t i = 0; i < runs; i++)
        play_changed(rand);
    printf("ok 2 changed\n");
    g_ptr_array_unref(corpus);
    return 0;
}
