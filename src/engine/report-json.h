/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Reports as JSON, one object a line; for report.c and commands that have lists of their own. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct blk_extent;
struct blk_info;
struct command_call;
struct report_transfer;

/* key: "message", or "error" for what says that something failed. */
void report_json_message(const struct command_call *call, const char *key, const char *text);

/* A member of an object: a string if text is not NULL, else a number, unless literal says what it is. */
struct report_json_member {
    const char *key, *text;
    uint64_t number;
    const char *literal; /* instead of both: "true", "false", "null" */
};
/* text NULL, or size below 0: null. */
struct report_json_member report_json_text(const char *key, const char *text);
struct report_json_member report_json_size(const char *key, int64_t size);
struct report_json_member report_json_flag(const char *key, bool value);
void report_json_members(const struct command_call *call, const struct report_json_member *members, unsigned count);

/* A list without anything in it; one that has something is an object for each. */
void report_json_none(const struct command_call *call, const char *list);

void report_json_transfer(const struct command_call *call, const struct report_transfer *transfer);
/* One object of a dump: its caller cuts the bytes into such pieces. */
enum { REPORT_JSON_DUMP_MAX = 4096 };
void report_json_dump(const struct command_call *call, int64_t offset, const uint8_t *bytes, size_t n);
void report_json_length(const struct command_call *call, int64_t length);
void report_json_info(const struct command_call *call, const struct blk_info *info);
void report_json_map_run(const struct command_call *call, int64_t offset, int64_t bytes, bool allocated);
void report_json_alloc(const struct command_call *call, int64_t offset, int64_t sum, int64_t count);
void report_json_extent(const struct command_call *call, const struct blk_extent *extent);
void report_json_kinds(const struct command_call *call, const int64_t *bytes, int64_t extents, int64_t length);
