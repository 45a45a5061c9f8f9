/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The tables of the netlink families agree with themselves and with the kernel's own description of
 * `ovpn`, and docs/abi.md and the dictionary of the fuzzer agree with them. RECORD=1 in the
 * environment writes these two files again.
 */
#include <linux/genetlink.h>
#include <stdarg.h>

#include "harness.h"
#include "linux/netlink/codec.h"
#include "linux/netlink/notification.h"
#include "linux/netlink/ovpn.h"
#include "linux/netlink/reply.h"

/* All sets of a family, each after the one in whose nest it is */

#define SETS_MAX 16U

struct sets {
    const struct nl_set *set[SETS_MAX];
    unsigned n;
};

static bool
set_seen(const struct sets *sets, const struct nl_set *set)
{
    for (unsigned i = 0; i < sets->n; i++)
        if (sets->set[i] == set)
            return true;
    return false;
}

static void
sets_collect(struct sets *sets, const struct nl_set *set)
{
    if (set_seen(sets, set))
        return;
    CHECK(sets->n < SETS_MAX);
    sets->set[sets->n++] = set;
    for (unsigned i = 0; i < set->n; i++)
        if (set->attr[i].type == NL_NEST)
            sets_collect(sets, set->attr[i].nest);
}

static struct sets
sets_of(const struct nl_family *family)
{
    struct sets sets = {.n = 0};

    sets_collect(&sets, family->top);
    return sets;
}

static const struct nl_attr *
row_find(const struct nl_set *set, uint16_t number)
{
    for (unsigned i = 0; i < set->n; i++)
        if (set->attr[i].number == number)
            return &set->attr[i];
    return NULL;
}

/* The tables themselves */

static bool
form_suits(const struct nl_attr *a)
{
    switch (a->form) {
    case NL_NUMBER:
        return a->type != NL_BINARY && a->type != NL_NEST;
    case NL_ADDRESS:
        return a->type == NL_U32 || (a->type == NL_BINARY && a->max <= 16);
    case NL_SOCKADDR:
    case NL_BYTES:
        return a->type == NL_BINARY;
    case NL_FIELDS:
        return a->type == NL_NEST && a->nest != NULL;
    }
    return false;
}

static void
rows_check(const struct nl_set *set)
{
    for (unsigned i = 0; i < set->n; i++) {
        const struct nl_attr *a = &set->attr[i];

        CHECK_THAT(a->number >= 1 && a->number <= NL_NUMBER_MAX && form_suits(a) &&
                       (a->max == 0 || a->min <= a->max),
                   "%s: %s", set->name, a->name);
        CHECK(a->type != NL_UINT || a->in == 0);
        CHECK(a->form != NL_BYTES || a->out == 0); /* keys leave in no message */
        for (unsigned k = i + 1; k < set->n; k++)
            CHECK_THAT(a->number != set->attr[k].number ||
                           ((a->in & set->attr[k].in) == 0 && (a->out & set->attr[k].out) == 0),
                       "%s: two rows for %s", set->name, a->name);
    }
}

static bool
names_peer(const struct nl_set *set)
{
    for (unsigned i = 0; i < set->n; i++)
        if (set->attr[i].form == NL_NUMBER &&
            set->attr[i].offset == offsetof(struct nl_message, peer_id))
            return true;
    return false;
}

static void
commands_check(const struct nl_family *family)
{
    CHECK(family->commands <= 32);
    for (unsigned i = 0; i < family->commands; i++) {
        const struct nl_command *command = &family->command[i];

        if (command->name == NULL) {
            CHECK(command->run == NULL && command->event == 0);
            continue;
        }
        CHECK(command->run != NULL || command->event != 0);
        CHECK(names_peer(nl_command_set(family, command)));
    }
}

TEST("the tables do not contradict themselves")
{
    for (unsigned f = 0; f < NL_FAMILIES; f++) {
        struct sets sets = sets_of(nl_families[f]);

        for (unsigned i = 0; i < sets.n; i++)
            rows_check(sets.set[i]);
        commands_check(nl_families[f]);
    }
}

/* The most that attributes of a message take. */
static size_t
attrs_max(const struct nl_set *set, unsigned command)
{
    static const size_t integer[] = {
        [NL_U8] = 4, [NL_U16] = 4, [NL_U32] = 4, [NL_U64] = 8, [NL_UINT] = 8, [NL_BINARY] = 16};
    size_t len = 0;

    for (unsigned i = 0; i < set->n; i++) {
        const struct nl_attr *a = &set->attr[i];

        if ((a->out & NL_COMMAND(command)) == 0)
            continue;
        len += NLA_HDRLEN;
        if (a->type == NL_NEST)
            len += attrs_max(a->nest, command);
        else
            len += a->form == NL_SOCKADDR ? 28 : integer[a->type];
    }
    return len;
}

TEST("replies and notifications fit their buffers")
{
    for (unsigned f = 0; f < NL_FAMILIES; f++) {
        const struct nl_family *family = nl_families[f];

        for (unsigned i = 0; i < family->commands; i++) {
            size_t len = NLMSG_HDRLEN + GENL_HDRLEN + attrs_max(family->top, i);

            CHECK(len <= (family->command[i].event != 0 ? NL_NOTIFICATION_MAX : NL_REPLY_MAX));
        }
    }
}

/* Facts of Documentation/netlink/specs/ovpn.yaml of Linux 6.19, and of the change "ovpn: add
 * support for asymmetric peer IDs" for tx-id. Its key-swap-ntf says u32 for key-id; the driver
 * sends 16 bits, and so does the second row for it. */

#define NEW  NL_COMMAND(OVPN_PEER_NEW)
#define SET  NL_COMMAND(OVPN_PEER_SET)
#define DEL  NL_COMMAND(OVPN_PEER_DEL)
#define GET  NL_COMMAND(OVPN_PEER_GET)
#define KNEW NL_COMMAND(OVPN_KEY_NEW)
#define KSW  NL_COMMAND(OVPN_KEY_SWAP)
#define KDEL NL_COMMAND(OVPN_KEY_DEL)
#define KGET NL_COMMAND(OVPN_KEY_GET)

static const struct fact {
    const char *set, *name;
    uint16_t number;
    enum nl_type type;
    uint32_t min, max;
    uint32_t requests; /* besides GET and KGET */
} upstream[] = {
    {"ovpn", "ifindex", 1, NL_U32, 0, 0, NEW | SET | DEL | KNEW | KSW | KDEL},
    {"ovpn", "peer", 2, NL_NEST, 0, 0, NEW | SET | DEL},
    {"ovpn", "keyconf", 3, NL_NEST, 0, 0, KNEW | KSW | KDEL},
    {"peer", "id", 1, NL_U32, 0, 0xffffff, NEW | SET | DEL},
    {"peer", "remote-ipv4", 2, NL_U32, 0, 0, NEW | SET},
    {"peer", "remote-ipv6", 3, NL_BINARY, 16, 16, NEW | SET},
    {"peer", "remote-ipv6-scope-id", 4, NL_U32, 0, 0, NEW | SET},
    {"peer", "remote-port", 5, NL_U16, 1, 0, NEW | SET},
    {"peer", "socket", 6, NL_U32, 0, 0, NEW},
    {"peer", "socket-netnsid", 7, NL_UNUSED, 0, 0, 0}, /* s32; our sockets are in our namespace */
    {"peer", "vpn-ipv4", 8, NL_U32, 0, 0, NEW | SET},
    {"peer", "vpn-ipv6", 9, NL_BINARY, 16, 16, NEW | SET},
    {"peer", "local-ipv4", 10, NL_U32, 0, 0, NEW | SET},
    {"peer", "local-ipv6", 11, NL_BINARY, 16, 16, NEW | SET},
    {"peer", "local-port", 12, NL_U16, 1, 0, 0},
    {"peer", "keepalive-interval", 13, NL_U32, 0, 0, NEW | SET},
    {"peer", "keepalive-timeout", 14, NL_U32, 0, 0, NEW | SET},
    {"peer", "del-reason", 15, NL_U32, 0, 4, 0},
    {"peer", "vpn-rx-bytes", 16, NL_UINT, 0, 0, 0},
    {"peer", "vpn-tx-bytes", 17, NL_UINT, 0, 0, 0},
    {"peer", "vpn-rx-packets", 18, NL_UINT, 0, 0, 0},
    {"peer", "vpn-tx-packets", 19, NL_UINT, 0, 0, 0},
    {"peer", "link-rx-bytes", 20, NL_UINT, 0, 0, 0},
    {"peer", "link-tx-bytes", 21, NL_UINT, 0, 0, 0},
    {"peer", "link-rx-packets", 22, NL_UINT, 0, 0, 0},
    {"peer", "link-tx-packets", 23, NL_UINT, 0, 0, 0},
    {"peer", "tx-id", 24, NL_U32, 0, 0xffffff, NEW | SET},
    {"keyconf", "peer-id", 1, NL_U32, 0, 0xffffff, KNEW | KSW | KDEL},
    {"keyconf", "slot", 2, NL_U32, 0, 1, KNEW | KDEL},
    {"keyconf", "key-id", 3, NL_U32, 0, 7, KNEW},
    {"keyconf", "cipher-alg", 4, NL_U32, 0, 2, KNEW},
    {"keyconf", "encrypt-dir", 5, NL_NEST, 0, 0, KNEW},
    {"keyconf", "decrypt-dir", 6, NL_NEST, 0, 0, KNEW},
    {"keydir", "cipher-key", 1, NL_BINARY, 0, 256, KNEW},
    {"keydir", "nonce-tail", 2, NL_BINARY, 8, 8, KNEW},
};

static const struct nl_set *
set_named(const struct sets *sets, const char *name)
{
    for (unsigned i = 0; i < sets->n; i++)
        if (strcmp(sets->set[i]->name, name) == 0)
            return sets->set[i];
    return NULL;
}

static bool
fact_holds(const struct fact *fact, const struct nl_set *set)
{
    const struct nl_attr *a = set != NULL ? row_find(set, fact->number) : NULL;

    if (a == NULL || strcmp(a->name, fact->name) != 0 || a->type != fact->type)
        return false;
    if ((a->in & ~(GET | KGET)) != fact->requests)
        return false;
    return a->in == 0 || (a->min == fact->min && a->max == fact->max);
}

TEST("attributes of ovpn are those of the kernel's description")
{
    struct sets sets = sets_of(&nl_ovpn);
    unsigned rows = 0, facts = sizeof(upstream) / sizeof(upstream[0]);

    for (unsigned i = 0; i < facts; i++)
        CHECK_THAT(fact_holds(&upstream[i], set_named(&sets, upstream[i].set)), "%s: %s",
                   upstream[i].set, upstream[i].name);
    for (unsigned i = 0; i < sets.n; i++)
        rows += sets.set[i]->n;
    CHECK_EQ(rows, facts + 1); /* key-id has two */
}

TEST("commands of ovpn are those of the kernel's description")
{
    static const char *const names[] = {NULL,       "peer-new",     "peer-set", "peer-get",
                                        "peer-del", "peer-del-ntf", "key-new",  "key-get",
                                        "key-swap", "key-swap-ntf", "key-del",  "peer-float-ntf"};
    unsigned n = sizeof(names) / sizeof(names[0]);

    CHECK_EQ(nl_ovpn.commands, n);
    for (unsigned i = 1; i < n; i++)
        CHECK_STR(nl_ovpn.command[i].name, names[i]);
}

/* Text */

struct text {
    char *at;
    size_t len, size;
};

static void text_add(struct text *t, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void
text_add(struct text *t, const char *format, ...)
{
    va_list ap;
    int n;

    if (t->size - t->len < 1024) {
        t->size = 2 * t->size + 4096;
        t->at = realloc(t->at, t->size);
        if (t->at == NULL)
            abort();
    }
    va_start(ap, format);
    n = vsnprintf(t->at + t->len, t->size - t->len, format, ap);
    va_end(ap);
    CHECK(n >= 0 && (size_t)n < t->size - t->len);
    t->len += (size_t)n;
}

static struct text
text_read(const char *path)
{
    struct text t = {NULL, 0, 0};
    FILE *f = fopen(path, "r");
    char line[1024];

    text_add(&t, "%s", "");
    while (f != NULL && fgets(line, sizeof(line), f) != NULL)
        text_add(&t, "%s", line);
    if (f != NULL)
        fclose(f);
    return t;
}

/* The file is what it should be, or with RECORD=1 becomes it. */
static void
file_compare(const char *path, const struct text *want)
{
    struct text got = text_read(path);
    bool same = got.len == want->len && memcmp(got.at, want->at, got.len) == 0;
    FILE *f = NULL;

    if (!same && getenv("RECORD") != NULL) {
        f = fopen(path, "w");
        CHECK(f != NULL);
        CHECK_EQ(fwrite(want->at, 1, want->len, f), want->len);
        CHECK_EQ(fclose(f), 0);
    } else {
        CHECK_THAT(same, "%s is not what the tables say; see the head of %s", path, __FILE__);
    }
    free(got.at);
}

/* The manual */

#define MANUAL "docs/abi.md"
#define BEGIN  "<!-- tables -->\n"
#define END    "<!-- /tables -->\n"

static const char *const type_name[] = {
    [NL_UNUSED] = "unused", [NL_U8] = "u8",     [NL_U16] = "u16",       [NL_U32] = "u32",
    [NL_U64] = "u64",       [NL_UINT] = "uint", [NL_BINARY] = "binary", [NL_NEST] = "nest",
};

static void
commands_render(struct text *t, const struct nl_family *family)
{
    text_add(t, "\n| number | command | attribute | kind |\n|---|---|---|---|\n");
    for (unsigned i = 0; i < family->commands; i++) {
        const struct nl_command *c = &family->command[i];

        if (c->name == NULL)
            continue;
        text_add(t, "| %u | `%s` | `%s` | %s%s%s%s |\n", i, c->name,
                 row_find(family->top, c->nest)->name, c->run != NULL ? "request" : "",
                 c->dump ? " or dump" : "", c->run != NULL && c->event != 0 ? ", " : "",
                 c->event != 0 ? "notification" : "");
    }
}

static void
limits_render(struct text *t, const struct nl_attr *a)
{
    const char *unit = a->type == NL_BINARY ? " bytes" : "";

    if (a->type == NL_NEST)
        text_add(t, "`%s`", a->nest->name);
    else if (a->min != 0 && a->min == a->max)
        text_add(t, "%u%s", a->min, unit);
    else if (a->max != 0)
        text_add(t, "%u to %u%s", a->min, a->max, unit);
    else if (a->min != 0)
        text_add(t, "%u%s or more", a->min, unit);
}

static void
messages_render(struct text *t, const struct nl_family *family, uint32_t mask)
{
    const char *separator = "";

    if (mask == UINT32_MAX) {
        text_add(t, "any");
        return;
    }
    for (unsigned i = 0; i < family->commands; i++)
        if ((mask & NL_COMMAND(i)) != 0) {
            text_add(t, "%s%s", separator, family->command[i].name);
            separator = ", ";
        }
}

static void
set_render(struct text *t, const struct nl_family *family, const struct nl_set *set)
{
    text_add(t, "\n### Attributes of `%s`\n\n", set->name);
    text_add(t, "| number | attribute | type | holds | requests | replies and notifications |\n"
                "|---|---|---|---|---|---|\n");
    for (uint16_t number = 1; number <= nl_set_max(set); number++)
        for (unsigned i = 0; i < set->n; i++) {
            const struct nl_attr *a = &set->attr[i];

            if (a->number != number)
                continue;
            text_add(t, "| %u | `%s` | %s | ", a->number, a->name, type_name[a->type]);
            limits_render(t, a);
            text_add(t, " | ");
            messages_render(t, family, a->in);
            text_add(t, " | ");
            messages_render(t, family, a->out);
            text_add(t, " |\n");
        }
}

/* The file as it is, with the part between the marks made anew. */
TEST("docs/abi.md shows the tables")
{
    struct text old = text_read(MANUAL), t = {NULL, 0, 0};
    const char *begin = strstr(old.at, BEGIN), *end = strstr(old.at, END);

    CHECK(begin != NULL && end != NULL && begin < end);
    for (const char *at = old.at; at < begin; at++)
        text_add(&t, "%c", *at);
    text_add(&t, BEGIN);
    for (unsigned f = 0; f < NL_FAMILIES; f++) {
        struct sets sets = sets_of(nl_families[f]);

        text_add(&t, "\n## Family `%s`\n", nl_families[f]->name);
        commands_render(&t, nl_families[f]);
        for (unsigned i = 0; i < sets.n; i++)
            set_render(&t, nl_families[f], sets.set[i]);
    }
    text_add(&t, "\n");
    for (; *end != '\0'; end++)
        text_add(&t, "%c", *end);
    file_compare(MANUAL, &t);
    free(old.at);
    free(t.at);
}

/* The dictionary of fuzz/netlink_request_fuzz.c, whose input it is made for */

#define DICTIONARY "fuzz/netlink_request.dict"

static void
commands_list(struct text *t, unsigned family)
{
    const struct nl_family *f = nl_families[family];

    for (unsigned i = 0; i < f->commands; i++)
        if (f->command[i].run != NULL) /* kind, flags, command, version */
            text_add(t, "%s=\"\\x%02x\\x05\\x%02x\\x01\\x00\\x00\"\n", f->command[i].name,
                     2 * family, i);
}

/* The header of an attribute whose length is fixed, else the type alone; a line that is there
 * already is left out. */
static void
attribute_list(struct text *t, const struct nl_attr *a)
{
    static const unsigned size[] = {[NL_U8] = 1, [NL_U16] = 2, [NL_U32] = 4, [NL_NEST] = 0};
    unsigned type = a->number | (a->type == NL_NEST ? NLA_F_NESTED : 0);
    unsigned len = a->type == NL_BINARY ? (a->min == a->max ? a->max : 0) : size[a->type];
    char line[32];

    if (len != 0)
        snprintf(line, sizeof(line), "\"\\x%02x\\x00\\x%02x\\x%02x\"", NLA_HDRLEN + len,
                 type & 0xff, type >> 8);
    else
        snprintf(line, sizeof(line), "\"\\x%02x\\x%02x\"", type & 0xff, type >> 8);
    if (strstr(t->at, line) == NULL)
        text_add(t, "%s=%s\n", a->name, line);
}

TEST("the dictionary of the fuzzer follows from the tables")
{
    struct text t = {NULL, 0, 0};

    text_add(&t, "# SPDX-License-Identifier: BSD-2-Clause\n"
                 "# Made from the tables by tests/linux/netlink_schema_test.c.\n");
    for (unsigned f = 0; f < NL_FAMILIES; f++) {
        struct sets sets = sets_of(nl_families[f]);

        commands_list(&t, f);
        for (unsigned i = 0; i < sets.n; i++)
            for (unsigned k = 0; k < sets.set[i]->n; k++)
                if (sets.set[i]->attr[k].in != 0)
                    attribute_list(&t, &sets.set[i]->attr[k]);
    }
    file_compare(DICTIONARY, &t);
    free(t.at);
}
