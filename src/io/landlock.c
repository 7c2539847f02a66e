/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "io/landlock.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* The same numbers on every architecture. */
enum { CREATE_RULESET = 444, ADD_RULE = 445, RESTRICT_SELF = 446 };
enum { CREATE_VERSION = 1 << 0 };
enum { RULE_PATH_BENEATH = 1, RULE_NET_PORT = 2 };
enum { NET_BIND_TCP = 1 << 0, NET_CONNECT_TCP = 1 << 1 };
enum { FIRST_ABI_REFER = 2, FIRST_ABI_TRUNCATE = 3 };

/* A kernel that knows fewer members takes them as long as they are zero. */
struct ruleset {
    uint64_t fs, net, scoped;
};

struct path_beneath {
    uint64_t rights;
    int32_t parent;
} __attribute__((packed));

struct net_port {
    uint64_t rights, port;
};

int landlock_abi(void)
{
    long abi = syscall(CREATE_RULESET, NULL, 0, CREATE_VERSION);
    return abi > 0 ? (int)abi : 0;
}

static uint64_t known_rights(int abi)
{
    uint64_t rights = (1 << 13) - 1;
    if (abi >= FIRST_ABI_REFER)
        rights |= LANDLOCK_REFER;
    if (abi >= FIRST_ABI_TRUNCATE)
        rights |= LANDLOCK_TRUNCATE;
    return rights;
}

static int except(int ruleset, const struct landlock_exception *exception, uint64_t denied)
{
    enum { RIGHTS_OF_A_FILE = LANDLOCK_EXECUTE | LANDLOCK_WRITE_FILE | LANDLOCK_TRUNCATE };
    struct path_beneath rule = {.rights = exception->rights & denied, .parent = open(exception->path, O_PATH | O_CLOEXEC)};
    struct stat st;
    int ret = 0;
    if (rule.parent < 0)
        return errno == ENOENT || errno == ENOTDIR ? 0 : -errno;
    if (fstat(rule.parent, &st) < 0)
        ret = -errno;
    else if (!S_ISDIR(st.st_mode))
        rule.rights &= RIGHTS_OF_A_FILE;
    if (ret == 0 && rule.rights && syscall(ADD_RULE, ruleset, RULE_PATH_BENEATH, &rule, 0) < 0)
        ret = -errno;
    close(rule.parent);
    return ret;
}

static int fill(int ruleset, const struct landlock_rules *rules, const struct ruleset *denied)
{
    struct net_port port = {.rights = NET_CONNECT_TCP, .port = rules->tcp_port > 0 ? (uint64_t)rules->tcp_port : 0};
    int ret = 0;
    for (const struct landlock_exception *exception = rules->except; ret == 0 && exception && exception->path; exception++)
        ret = except(ruleset, exception, denied->fs);
    if (ret == 0 && (denied->net & NET_CONNECT_TCP) && port.port && syscall(ADD_RULE, ruleset, RULE_NET_PORT, &port, 0) < 0)
        ret = -errno;
    return ret;
}

int landlock_restrict(const struct landlock_rules *rules)
{
    int abi = landlock_abi();
    if (!abi)
        return -ENOSYS;
    struct ruleset denied = {.fs = rules->deny & known_rights(abi)};
    if (abi >= LANDLOCK_FIRST_ABI_TCP)
        denied.net = NET_BIND_TCP | (rules->tcp_port >= 0 ? NET_CONNECT_TCP : 0);
    int ruleset = (int)syscall(CREATE_RULESET, &denied, sizeof(denied), 0);
    if (ruleset < 0)
        return -errno;
    int ret = fill(ruleset, rules, &denied);
    if (ret == 0 && syscall(RESTRICT_SELF, ruleset, 0) < 0)
        ret = -errno;
    close(ruleset);
    return ret;
}
