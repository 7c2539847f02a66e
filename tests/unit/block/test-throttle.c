/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The buckets of throttle without a clock, and its groups on a clock that stands still until it is moved. */
#include "harness.h"

#include "block/objects.h"
#include "block/throttle_bucket.h"
#include "block/throttle_group.h"
#include "io/clock.h"

#define SECOND INT64_C(1000000000)

static struct throttle_limits parse(const char *text)
{
    g_autoptr(options) object = options_new();
    g_autoptr(GError) error = NULL;
    struct throttle_limits limits;
    g_assert_true(options_parse(object, text, NULL, NULL));
    g_assert_true(throttle_limits_parse(object, &limits, &error));
    g_assert_no_error(error);
    return limits;
}

static void assert_refused(const char *text, const char *message)
{
    g_autoptr(options) object = options_new();
    g_autoptr(GError) error = NULL;
    struct throttle_limits limits;
    g_assert_true(options_parse(object, text, NULL, NULL));
    g_assert_false(throttle_limits_parse(object, &limits, &error));
    g_assert_cmpstr(error->message, ==, message);
}

static void limits_are_checked(void)
{
    struct throttle_limits limits = parse("qom-type=throttle-group,id=t,x-bps-read=0x10,limits.iops-total=7,x-iops-size=512");
    g_assert_cmpuint(limits.kinds[THROTTLE_BPS_READ].rate, ==, 16);
    g_assert_cmpuint(limits.kinds[THROTTLE_IOPS_TOTAL].rate, ==, 7);
    g_assert_cmpuint(limits.request_bytes, ==, 512);
    assert_refused("x-bps-read=", "Parameter 'x-bps-read' expects integer");
    assert_refused("x-bps-read=9223372036854775808", "Parameter 'x-bps-read' expects integer");
    assert_refused("x-bps-readx=1", "Parameter 'x-bps-readx' is unexpected");
    assert_refused("bps-read=1", "Parameter 'bps-read' is unexpected");
    assert_refused("x-iops-read=1,limits.iops-total=1",
                   "bps/iops/max total values and read/write values cannot be used at the same time");
    assert_refused("x-bps-read=2,x-bps-read-max=1", "bps_max/iops_max cannot be lower than bps/iops");
}

/* How many requests may go at once, now. */
static unsigned count_now(struct throttle *throttle, bool write, int64_t bytes, int64_t now_ns)
{
    unsigned n = 0;
    for (; n < 100000 && throttle_delay_ns(throttle, write, now_ns) == 0; n++)
        throttle_account(throttle, write, bytes);
    return n;
}

static void a_tenth_of_a_second_goes_at_once(void)
{
    struct throttle_limits limits = parse("x-iops-total=100");
    struct throttle throttle;
    throttle_init(&throttle, &limits, 0);
    g_assert_cmpuint(count_now(&throttle, false, 1, 0), ==, 11); /* the last one makes it more than full */
    g_assert_cmpint(throttle_delay_ns(&throttle, true, 0), ==, SECOND / 100);
    g_assert_cmpuint(count_now(&throttle, true, 1, SECOND / 2), ==, 11); /* unused time is not saved up */
}

static void reads_and_writes_apart(void)
{
    struct throttle_limits limits = parse("x-bps-write=1000");
    struct throttle throttle;
    throttle_init(&throttle, &limits, 0);
    throttle_account(&throttle, true, 1100);
    g_assert_cmpint(throttle_delay_ns(&throttle, true, 0), ==, SECOND);
    g_assert_cmpint(throttle_delay_ns(&throttle, false, 0), ==, 0);
}

static void long_requests_count_as_many(void)
{
    struct throttle_limits limits = parse("x-iops-total=10,x-iops-size=512");
    struct throttle throttle;
    throttle_init(&throttle, &limits, 0);
    throttle_account(&throttle, false, 100);
    g_assert_cmpint(throttle_delay_ns(&throttle, false, 0), ==, 0);
    throttle_account(&throttle, false, 5120);
    g_assert_cmpint(throttle_delay_ns(&throttle, false, 0), ==, SECOND);
}

static void bursts_end(void)
{
    struct throttle_limits limits = parse("x-iops-total=10,x-iops-total-max=100,x-iops-total-max-length=5");
    struct throttle throttle;
    throttle_init(&throttle, &limits, 0);
    unsigned n = 0;
    int64_t now = 0;
    for (; now < 100 * SECOND; now += SECOND / 100)
        n += count_now(&throttle, false, 1, now);
    /* 5 s of 100 and what leaked meanwhile, then 10 a second. */
    g_assert_cmpuint(n, >, 500 + 990);
    g_assert_cmpuint(n, <, 500 + 1020);
}

static void time_that_goes_back_is_none(void)
{
    struct throttle_limits limits = parse("x-iops-total=1");
    struct throttle throttle;
    throttle_init(&throttle, &limits, SECOND);
    throttle_account(&throttle, false, 1);
    throttle_account(&throttle, false, 1);
    int64_t delay = throttle_delay_ns(&throttle, false, SECOND);
    g_assert_cmpint(delay, >, 0);
    g_assert_cmpint(throttle_delay_ns(&throttle, false, 0), ==, delay);
}

/* ---- groups ---- */

static void define_co(const char *id, const char *limits)
{
    struct options *object = options_new();
    g_assert_true(options_parse(object, limits, NULL, NULL));
    options_set(object, "qom-type", "throttle-group");
    options_set(object, "id", id);
    g_assert_cmpint(objects_add(object, NULL), ==, 0);
}

struct passing {
    struct throttle_member *member;
    GString *order;
    char name;
    int ret;
    struct co *co;
};

static void pass_main(void *data)
{
    struct passing *passing = data;
    passing->co = co_self();
    passing->ret = throttle_group_pass_co(passing->member, false, 1);
    passing->co = NULL;
    if (passing->ret == 0)
        g_string_append_c(passing->order, passing->name);
}

/* Turns the loop until so many have gone. */
static void wait_for_co(const GString *order, unsigned count)
{
    while (order->len < count)
        co_yield_co();
}

static void members_take_turns(void)
{
    define_co("turns", "x-iops-total=1000");
    clock_set_fake_us(1000000);
    struct throttle_member a = {.group = throttle_group_find("turns")}, b = {.group = throttle_group_find("turns")};
    g_autoptr(GString) order = g_string_new(NULL);
    struct passing passings[8];
    for (int i = 0; i < 101; i++)
        g_assert_cmpint(throttle_group_pass_co(&a, false, 1), ==, 0); /* the bucket is full now */
    for (int i = 0; i < 8; i++) {
        passings[i] = (struct passing){.member = i < 5 ? &a : &b, .order = order, .name = "aaaaabbb"[i]};
        co_start(pass_main, &passings[i]);
    }
    g_assert_cmpuint(order->len, ==, 0);
    clock_set_fake_us(1000000 + 4000);
    wait_for_co(order, 4);
    g_assert_cmpstr(order->str, ==, "abab"); /* and nobody else: the clock stands */
    co_cancel(passings[2].co);
    while (passings[2].co) /* else its time might come first */
        co_yield_co();
    clock_set_fake_us(1000000 + 100000);
    wait_for_co(order, 7);
    g_assert_cmpstr(order->str, ==, "abababa");
    g_assert_cmpint(passings[2].ret, ==, -ECANCELED);
    clock_set_fake_us(-1);
}

static void who_hurries_waits_for_nothing(void)
{
    define_co("slow", "x-iops-total=1");
    clock_set_fake_us(1000000);
    struct throttle_member a = {.group = throttle_group_find("slow")}, b = {.group = throttle_group_find("slow")};
    g_autoptr(GString) order = g_string_new(NULL);
    struct passing first = {.member = &a, .order = order, .name = 'a'}, second = {.member = &b, .order = order, .name = 'b'};
    g_assert_cmpint(throttle_group_pass_co(&a, false, 1), ==, 0);
    co_start(pass_main, &first);
    co_start(pass_main, &second);
    throttle_group_hurry(&a);
    wait_for_co(order, 1);
    g_assert_cmpstr(order->str, ==, "a");
    g_assert_nonnull(second.co);
    throttle_group_hurry(&b);
    wait_for_co(order, 2);
    clock_set_fake_us(-1);
}

/* What a node in the middle of a chain does with it: nothing waits when the image is closed. */
static void closing_ends_the_wait_co(void *data)
{
    struct blk *blk = data;
    g_assert_cmpint(harness_fill_co(blk, 0, 512, 1), ==, 0);
}

static void closing_ends_the_wait(void)
{
    define_co("day", "x-bps-total=1");
    struct blk *blk = harness_open_options_co("driver=throttle,throttle-group=day,file.driver=null-co", BLK_OPEN_WRITABLE);
    for (int i = 0; i < 5; i++)
        co_start(closing_ends_the_wait_co, blk);
    harness_close_co(blk);
    g_assert_null(throttle_group_find("none"));
}

static void add(void)
{
    harness_add("/throttle/limits-are-checked", limits_are_checked);
    harness_add("/throttle/a-tenth-of-a-second-goes-at-once", a_tenth_of_a_second_goes_at_once);
    harness_add("/throttle/reads-and-writes-apart", reads_and_writes_apart);
    harness_add("/throttle/long-requests-count-as-many", long_requests_count_as_many);
    harness_add("/throttle/bursts-end", bursts_end);
    harness_add("/throttle/time-that-goes-back-is-none", time_that_goes_back_is_none);
    harness_add("/throttle/members-take-turns", members_take_turns);
    harness_add("/throttle/who-hurries-waits-for-nothing", who_hurries_waits_for_nothing);
    harness_add("/throttle/closing-ends-the-wait", closing_ends_the_wait);
}

int main(int argc, char **argv)
{
    return harness_main(&argc, &argv, NULL, add);
}
