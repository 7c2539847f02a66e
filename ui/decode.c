/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ui/decode.h"

#include <glib.h>

enum { RUBBISH = 0xfffd };

static int length_of(uint8_t first)
{
    return first < 0x80 ? 1 : first >= 0xc2 && first < 0xe0 ? 2 : first >= 0xe0 && first < 0xf0 ? 3 : first >= 0xf0 && first < 0xf5 ? 4 : 0;
}

enum decode_result decode_byte(struct decode *decode, uint8_t byte, uint32_t *ret_ch)
{
    *ret_ch = RUBBISH;
    if (decode->len > 0 && (byte & 0xc0) != 0x80) {
        decode->len = 0;
        return DECODE_AGAIN;
    }
    if (decode->len == 0) {
        decode->wanted = length_of(byte);
        if (decode->wanted == 0) {
            return DECODE_DONE;
        }
    }
    decode->bytes[decode->len++] = (char)byte;
    if (decode->len < decode->wanted) {
        return DECODE_MORE;
    }
    gunichar ch = g_utf8_get_char_validated(decode->bytes, decode->len);
    decode->len = 0;
    if (ch < 0x110000) {
        *ret_ch = ch;
    }
    return DECODE_DONE;
}
