/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the bytes of a field say. */
#pragma once

#include "ui/panels/fields-formats.h"

/* Of the field's first n bytes (at least 1); index: the place's number. */
uint64_t field_value(const struct field *field, const uint8_t *bytes, size_t n, uint64_t index);
/* For people, safe to show; g_free. */
char *field_format(const struct field *field, const uint8_t *bytes, size_t n, uint64_t index);
