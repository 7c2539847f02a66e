/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Requests kept apart.
 *
 * A write that changes where a cluster is must be alone with it from the look at its entry to the change; one in place only
 * needs that nobody changes it meanwhile.  Reads wait for nobody: instead, who frees a cluster waits for the reads that may still
 * look at it.
 */
#include "block/qcow2/writer.h"

static bool overlaps(const struct qcow2_flight *flight, int64_t start, int64_t end)
{
    return flight->start < end && start < flight->end;
}

struct qcow2_flight *qcow2_flight_conflict(const struct qcow2_writer *writer, int64_t start, int64_t end, bool exclusive)
{
    struct qcow2_flight *found = NULL;
    for (struct qcow2_flight *flight = writer->flights; flight; flight = flight->next) {
        if ((exclusive || flight->exclusive) && overlaps(flight, start, end) && (!found || flight->start < found->start))
            found = flight;
    }
    return found;
}

static void enter(struct qcow2_flight **list, struct qcow2_flight *flight)
{
    flight->next = *list;
    *list = flight;
}

static void leave(struct qcow2_flight **list, struct qcow2_flight *flight)
{
    while (*list != flight)
        list = &(*list)->next;
    *list = flight->next;
    co_queue_wake_all(&flight->waiters);
}

void qcow2_flight_begin(struct qcow2_writer *writer, struct qcow2_flight *flight)
{
    enter(&writer->flights, flight);
}

void qcow2_flight_end(struct qcow2_writer *writer, struct qcow2_flight *flight)
{
    leave(&writer->flights, flight);
}

void qcow2_flight_read_begin(struct qcow2_writer *writer, struct qcow2_flight *flight, int64_t start, int64_t end)
{
    *flight = (struct qcow2_flight){.start = start, .end = end};
    enter(&writer->reads, flight);
}

void qcow2_flight_read_end(struct qcow2_writer *writer, struct qcow2_flight *flight)
{
    leave(&writer->reads, flight);
}

/* New reads enter at the head of the list and see the new mapping: those behind `last` are the ones to wait for. */
static struct qcow2_flight *find_read(const struct qcow2_writer *writer, const GPtrArray *old, int64_t start, int64_t end)
{
    for (struct qcow2_flight *read = writer->reads; read; read = read->next) {
        if (overlaps(read, start, end) && g_ptr_array_find((GPtrArray *)old, read, NULL))
            return read;
    }
    return NULL;
}

void qcow2_flight_wait_reads_co(struct qcow2_writer *writer, int64_t start, int64_t end)
{
    struct qcow2_flight *read = writer->reads;
    while (read && !overlaps(read, start, end))
        read = read->next;
    if (!read)
        return;
    g_autoptr(GPtrArray) old = g_ptr_array_new();
    for (; read; read = read->next)
        g_ptr_array_add(old, read);
    while ((read = find_read(writer, old, start, end)))
        co_queue_wait_uncancellable_co(&read->waiters);
}
