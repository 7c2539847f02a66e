/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "fuzz.h"


struct input {
    void (*fn)(const uint8_t *data, size_t size);
    const uint8_t *data;
    size_t size;
};

struct aio *fuzz_aio(void)
{
    static struct aio *aio;
    if (!aio) {
        aio = aio_new("threads", NULL);
        aio_set_inline_calls(aio, true);
    }
    return aio;
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
        g_main_context_iteration(NULL, TRUE);
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
