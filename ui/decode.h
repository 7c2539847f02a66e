/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Characters out of bytes that come one by one, whatever they are. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct decode {
    char bytes[4];
    int len, wanted; /* those of a character that is not complete; 0: none is begun */
};

enum decode_result {
    DECODE_MORE,  /* the character goes on */
    DECODE_DONE,  /* *ret_ch is it, U+FFFD for a byte that begins none */
    DECODE_AGAIN, /* it broke off: *ret_ch is U+FFFD, and the byte is to be given again */
};

/* Takes a byte of UTF-8. */
enum decode_result decode_byte(struct decode *decode, uint8_t byte, uint32_t *ret_ch);
