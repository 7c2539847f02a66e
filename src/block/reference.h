/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A file that an image names: what the name says, what stands there, and whether the user has agreed to open it. */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <sys/stat.h>

struct aio;

enum reference_role { REFERENCE_BACKING, REFERENCE_DATA, REFERENCE_EXTENTS };

/* What a name leads to. */
enum reference_kind {
    REFERENCE_UNKNOWN, /* nobody looked (the policy forbids it), or it can't be looked at: see error */
    REFERENCE_REGULAR,
    REFERENCE_KERNEL, /* what looks like a regular file in /proc, /sys and the like: its bytes are what the kernel makes of a read or write */
    REFERENCE_BLOCK_DEVICE,
    REFERENCE_CHARACTER_DEVICE,
    REFERENCE_PIPE,
    REFERENCE_SOCKET,
    REFERENCE_FOLDER,
    REFERENCE_MISSING,
    REFERENCE_PROTOCOL, /* no path: "nbd://..." */
    REFERENCE_JSON,     /* no path: "json:{...}" */
};

enum reference_state {
    REFERENCE_OPEN,     /* it is a child of the node */
    REFERENCE_REPLACED, /* the user's options say what is open instead, perhaps nothing */
    REFERENCE_LEFT_OUT, /* it is not open: what it would supply can't be read */
};

/* All text is raw bytes. */
struct reference {
    enum reference_role role;
    enum reference_state state;
    enum reference_kind kind;
    int error;      /* negative errno of looking, else 0 */
    unsigned layer; /* of the image that names it: 0 is the top */
    char *name;     /* as the image has it */
    char *path;     /* what would be opened: relative names lie beside the image */
    char *format;   /* that the image says it has; NULL: none, its bytes would decide */
    char *target;   /* the file itself, where symbolic links were followed; NULL: not known */
    bool loop;      /* it is a layer above, or the image itself: following it would never end */
    bool outside;   /* that lies in no folder below the image's own; valid with target */
    char *beside;   /* of a missing one: a file of the same name that lies beside the image; NULL: there is none */
    uid_t owner;    /* these three: of what is there, else 0 */
    dev_t device;
    ino_t inode;
    GPtrArray *more; /* struct reference, owned: of extents, all but the first: one answer is for all of them; NULL: there are no more */
};

struct reference *reference_new(enum reference_role role, unsigned layer, const char *image, const char *name, const char *format);
struct reference *reference_copy(const struct reference *reference);
void reference_free(struct reference *reference);

typedef struct reference reference;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(reference, reference_free)

/*
 * Fills in kind, error, target, outside, beside, owner, device and inode; opens nothing.  image: path of the image that names it, or NULL.
 * Suspends.
 */
void reference_look_co(struct reference *reference, const char *image, struct aio *aio);

/*
 * The one of a list (struct reference; NULL: an empty one) that the user has agreed to, for what an image says now: the same layer, role,
 * name and format, of all files that go with it.  NULL: not agreed.
 */
const struct reference *reference_find(const GPtrArray *approved, const struct reference *wanted);

/*
 * What stands there, for a person: "regular file, yours, outside the image's folder, is '/etc/x'" (g_free); nothing in it can fool a terminal.
 * As far as somebody looked.
 */
char *reference_describe(const struct reference *reference);

/* "backing", "data-file", "extents": of the first two also the name of the child it becomes. */
const char *reference_role_name(enum reference_role role);
/* "regular file", "character device", "missing", ... */
const char *reference_kind_name(enum reference_kind kind);

/*
 * What a file has to be when it is open, where an image named it: between looking at a name and opening it, the name may have come to
 * mean something else.
 */
struct reference_expect {
    bool plain;   /* a regular file or a block device */
    dev_t device; /* with inode: this very file; */
    ino_t inode;  /* 0: any */
};

/* 0, -EPERM (not plain; nor is what the kernel makes up) or -ESTALE (another file).  fd: a descriptor of it, perhaps one that opens nothing. */
int reference_check(const struct reference_expect *expect, const struct stat *st, int fd);
/*
 * A descriptor for reading (the caller's) of what stands there if it is a regular file or a block device: looked at by one that opens nothing, and opened
 * through that.  -EPERM: it is neither; or a negative errno.  May block.
 */
int reference_open_plain(const char *path);
static inline bool reference_expects(const struct reference_expect *expect)
{
    return expect->plain || expect->inode;
}
