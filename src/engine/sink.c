/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/sink.h"

void sink_write(struct sink *sink, enum sink_stream stream, const char *text, size_t len)
{
    sink->ops->write(sink, stream, text, len);
}
