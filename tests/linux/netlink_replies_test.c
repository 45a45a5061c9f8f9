/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Replays the requests of netlink_replies.txt and compares every byte of the replies. In that file
 * "= title" starts a scenario with two empty devices, "> bytes" is a request, and each "< bytes"
 * below it is one datagram of the answer. "#" starts a comment.
 *
 * The replies were recorded before the families became tables. RECORD=1 in the environment records
 * them again, for an intended change.
 */
#include "netlink_world.h"

#define REPLIES      "tests/linux/netlink_replies.txt"
#define LINE_MAX_LEN 4096U

static struct world w;

struct script {
    FILE *from;
    FILE *record; /* NULL: compare */
    unsigned number;
    unsigned answered; /* datagrams of the last request that were compared */
    char line[LINE_MAX_LEN];
};

static bool
line_next(struct script *s)
{
    if (fgets(s->line, sizeof(s->line), s->from) == NULL)
        return false;
    s->line[strcspn(s->line, "\n")] = '\0';
    s->number++;
    return true;
}

static void
replies_record(const struct world *world, FILE *to)
{
    for (unsigned i = 0; i < world->datagrams; i++) {
        size_t len;
        const uint8_t *at = world_datagram(world, i, &len);

        fputs("<", to);
        for (size_t k = 0; k < len; k++)
            fprintf(to, "%s%02x", k % 4 == 0 ? " " : "", at[k]);
        fputs("\n", to);
    }
}

/* The previous request has as many replies as the file has lines for. */
static void
request_end(struct script *s)
{
    if (s->record == NULL)
        CHECK_THAT(s->answered == w.datagrams, "line %u: %u datagrams, and not %u", s->number,
                   w.datagrams, s->answered);
    s->answered = 0;
    world_forget(&w);
}

static void
request_send(struct script *s)
{
    uint8_t buf[WORLD_MESSAGE] __attribute__((aligned(8))) = {0};
    size_t len = world_bytes(s->line + 1, buf);
    const struct nlmsghdr *nlh = (const void *)buf;
    const struct nl_family *family = nl_family_by_id(nlh->nlmsg_type);

    CHECK(family != NULL);
    CHECK_EQ(nlh->nlmsg_len, len);
    world_request(&w, family, nlh);
    if (s->record != NULL)
        replies_record(&w, s->record);
}

static void
reply_compare(struct script *s)
{
    uint8_t want[LINE_MAX_LEN / 2];
    size_t want_len = world_bytes(s->line + 1, want), len = 0;
    const uint8_t *got = NULL;

    if (s->record != NULL)
        return;
    if (s->answered < w.datagrams)
        got = world_datagram(&w, s->answered, &len);
    CHECK_THAT(got != NULL && len == want_len && memcmp(got, want, len) == 0,
               "line %u: another reply", s->number);
    s->answered++;
}

static void
line_run(struct script *s)
{
    char first = s->line[0];

    if (s->record != NULL && first != '<')
        fprintf(s->record, "%s\n", s->line);
    if (first == '<') {
        reply_compare(s);
        return;
    }
    request_end(s);
    if (first == '=') {
        world_fini(&w);
        world_init(&w);
    } else if (first == '>') {
        request_send(s);
    }
}

TEST("every reply is the recorded one, byte for byte")
{
    static struct script s;

    s.from = fopen(REPLIES, "r");
    CHECK(s.from != NULL);
    if (getenv("RECORD") != NULL) {
        s.record = fopen(REPLIES ".new", "w");
        CHECK(s.record != NULL);
    }
    world_init(&w);
    while (line_next(&s))
        line_run(&s);
    request_end(&s);
    CHECK(s.number > 300);
    world_fini(&w);
    fclose(s.from);
    if (s.record != NULL) {
        CHECK_EQ(fclose(s.record), 0);
        CHECK_EQ(rename(REPLIES ".new", REPLIES), 0);
    }
}
