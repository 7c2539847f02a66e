/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "fuzz.h"

/*
 * What was freed is kept for as long as one input takes, not for a thousand of them: each new byte of it would come from the kernel.
 * ASAN_OPTIONS goes before this.
 */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
    return "quarantine_size_mb=16";
}

struct input {
    void (*fn)(const uint8_t *data, size_t size);
    const uint8_t *data;
    size_t size;
};

struct aio *fuzz_aio(void)
{
    static struct aio *aio;
    if (!aio)
        aio = aio_new("manual", NULL);
    return aio;
}

void fuzz_turn(void)
{
    while (aio_manual_count(fuzz_aio()) > 0)
        aio_manual_complete(fuzz_aio(), 0, 0);
    g_main_context_iteration(NULL, TRUE);
}

char *fuzz_text(const uint8_t *data, size_t size)
{
    return size ? g_strndup((const char *)data, size) : g_strdup("");
}

static void body(void *data)
{
    const struct input *input = data;
    input->fn(input->data, input->size);
}

void fuzz_run_co(void (*fn)(const uint8_t *data, size_t size), const uint8_t *data, size_t size)
{
    struct input input = {fn, data, size};
    co_start(body, &input);
    while (co_live() > 0)
        fuzz_turn();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static bool begun;
    if (!begun) {
        begun = true;
        co_init();
    }
    if (size > FUZZ_MAX)
        return -1;
    fuzz_one(data, size);
    g_assert_cmpuint(co_live(), ==, 0);
    return 0;
}
