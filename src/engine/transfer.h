/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the commands that read and write share: buffers, vectors, patterns, and the end of a request. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/uio.h>

#include "block/blk.h"
#include "engine/command.h"

enum { TRANSFER_WRITE_BYTE = 0xcd }; /* what is written when nothing else is asked for */

/* How one request was asked for: the options that most commands have. */
struct transfer_options {
    bool machine; /* -C */
    bool quiet;   /* -q */
    bool dump;    /* -v */
    int pattern;  /* -P, -1: none */
    int64_t pattern_offset, pattern_count; /* range of the request that is verified */
    unsigned flags; /* enum blk_request_flags */
};

struct opts;

/*
 * Takes one of the options that mean the same wherever they exist, C f P q v.  1, 0 if it is another one, or a negative errno
 * after having said what is wrong.
 */
int transfer_take_option(const struct command_call *call, int option, const char *value, struct transfer_options *options);
/* All options of a command that has no others: 0, or a negative errno after having said what is wrong. */
int transfer_parse_options(const struct command_call *call, const struct command *command, struct opts *opts,
                           struct transfer_options *options);

/* Two operands, offset and length of one request: 0, or a negative errno after having said what is wrong. */
int transfer_parse_range(const struct command_call *call, char **operand, int64_t *ret_offset, int64_t *ret_bytes);

/* One buffer in several pieces. */
struct transfer_vector {
    struct iovec *iov;
    int niov;
    int64_t total;   /* bytes of the request */
    uint8_t *buffer;
    int64_t room;    /* bytes of buffer: total, or fewer where pieces share some */
    int64_t kept;    /* this many bytes of the request, from its start, have a place of their own */
};

/*
 * Takes a buffer for a request of so many bytes.  whole: every byte has its own place.  Otherwise nobody wants the data (a
 * pattern to write, a read without report): all of it that the session does not keep for panels goes through one small
 * piece again and again, which saves faulting in a gigabyte.  0, or -ENOMEM after having said so.
 */
int transfer_vector_init(const struct command_call *call, int64_t bytes, bool whole, struct transfer_vector *ret_vector);
/* As above, with one piece for each of n lengths.  0, or a negative errno after having said what is wrong. */
int transfer_vector_parse(const struct command_call *call, char **lengths, int n, bool whole,
                          struct transfer_vector *ret_vector);
/* The request is done: its data becomes the session's last buffer. */
void transfer_vector_keep_co(const struct command_call *call, enum blk_op op, int64_t offset, struct transfer_vector *vector);
/* Every byte becomes this one. */
void transfer_vector_fill_co(const struct transfer_vector *vector, int byte);
/* Frees what was not kept. */
void transfer_vector_done_co(const struct command_call *call, struct transfer_vector *vector);

/* Whether every byte that is read has to have a place of its own. */
bool transfer_reads_whole(const struct command_call *call, const struct transfer_options *options);
/*
 * Before a read: where its data will be looked at, every byte becomes 0xab, so that what a driver leaves alone (null-co) can
 * be told from what it read.
 */
void transfer_prepare_read_co(const struct command_call *call, const struct transfer_options *options,
                              const struct transfer_vector *vector);

/*
 * After a successful read: pattern line, dump, report.  0, -EINVAL for a pattern that is not there, or -ECANCELED while it was compared or dumped.
 * *dumped: bytes so far.
 */
int transfer_finish_read_co(const struct command_call *call, const struct transfer_options *options, int64_t offset,
                            const uint8_t *buffer, int64_t bytes, int64_t elapsed_ns, int64_t *dumped);
/* After a successful write or discard. */
void transfer_finish(const struct command_call *call, const struct transfer_options *options, const char *done,
                     int64_t offset, int64_t bytes, int ops, int64_t elapsed_ns);

/*
 * Whether offset and count are whole sectors, where the request (whole_sectors) or, unless byte_wise, the dialect wants that.
 * 0, or -EINVAL after having said what is wrong.
 */
int transfer_check_alignment(const struct command_call *call, bool whole_sectors, bool byte_wise, int64_t offset,
                             int64_t count);
