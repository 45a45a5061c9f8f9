/* SPDX-License-Identifier: BSD-2-Clause */
#include "linux/plane/train_check.h"

#include "linux/sys/endpoint.h"
#include "linux/sys/log.h"

#define SECOND_NS 1000000000ULL
#define SAY_NS    (60 * SECOND_NS) /* between two lines about the same */

/* A second in which a peer sent so much needs no check, because a lossy peer is slow. */
#define ANSWERS_ENOUGH 64U
/* How much more a peer must answer to single packets. */
#define ANSWERS_FACTOR 4U
#define ANSWERS_MORE   8U
/* Seconds until the next check of a peer that answers to both alike; each one doubles it. */
#define QUIET_S   5U
#define QUIET_MAX 7U
/* Seconds in which a check waits for the next train. */
#define TRAINS_LATE 8U

#define UNCUT_BYTES 9216U /* more than a packet in a jumbo frame */
#define FOUND_MAX   16U   /* peers in one turn */

enum phase { IDLE, SINGLES, TRAINS };

/* What the last second has brought. */
struct second {
    uint32_t answers; /* packets from the peer */
    bool trains;      /* went to it */
};

static struct second
second_of(struct dco_peer_platform *platform)
{
    uint64_t trains = dco_load(&platform->trains), answers = dco_load(&platform->answers);
    struct dco_train_check *check = &platform->check;
    struct second second = {
        .answers = (uint32_t)(answers - check->answers),
        .trains = trains != check->trains,
    };

    check->answers = answers;
    check->trains = trains;
    return second;
}

static void
begin_singles(struct dco_peer_platform *platform, const struct second *second)
{
    platform->check.phase = SINGLES;
    platform->check.to_trains = second->answers;
    dco_store(&platform->trains_off_ns, UINT64_MAX);
}

static void
begin_trains(struct dco_peer_platform *platform)
{
    platform->check.phase = TRAINS;
    platform->check.waited = 0;
    dco_store(&platform->trains_off_ns, 0ULL);
}

/* No check before next_ns; until off_ns the peer gets no trains. */
static void
end(struct dco_peer_platform *platform, uint64_t next_ns, uint64_t off_ns)
{
    platform->check.phase = IDLE;
    platform->check.votes = 0;
    platform->check.next_ns = next_ns;
    dco_store(&platform->trains_off_ns, off_ns);
}

/* The peer answers to both alike, or not at all. */
static void
end_alike(struct dco_peer_platform *platform, uint64_t now_ns)
{
    struct dco_train_check *check = &platform->check;

    end(platform, now_ns + (QUIET_S * SECOND_NS << check->quiet), 0);
    if (check->quiet < QUIET_MAX)
        check->quiet++;
}

static void
end_broken(struct dco_peer_platform *platform, uint64_t now_ns)
{
    uint64_t until_ns = now_ns + TRAIN_CHECK_OFF_S * SECOND_NS;

    end(platform, until_ns, until_ns);
}

/* True if the peer gets no trains from now on. */
static bool
vote(struct dco_peer_platform *platform, const struct second *second, uint64_t now_ns)
{
    struct dco_train_check *check = &platform->check;

    if (second->answers < ANSWERS_FACTOR * check->to_trains + ANSWERS_MORE) {
        end_alike(platform, now_ns);
    } else if (++check->votes < TRAIN_CHECK_VOTES) {
        begin_trains(platform);
    } else {
        end_broken(platform, now_ns);
        return true;
    }
    return false;
}

/* For dco_peers_select(): picks the peers that get no trains from now on. */
static bool
judge(struct dco_peer *peer, void *arg)
{
    struct dco_peer_platform *platform = dco_peer_platform(peer);
    struct dco_train_check *check = &platform->check;
    struct second second = second_of(platform);
    uint64_t now_ns = *(const uint64_t *)arg;

    switch (check->phase) {
    case SINGLES:
        return vote(platform, &second, now_ns);
    case TRAINS:
        if (second.trains)
            begin_singles(platform, &second);
        else if (++check->waited >= TRAINS_LATE)
            end_alike(platform, now_ns);
        return false;
    default:
        if (second.answers >= ANSWERS_ENOUGH)
            check->quiet = 0;
        else if (second.trains && now_ns >= check->next_ns)
            begin_singles(platform, &second);
        return false;
    }
}

/* Not more often than once in SAY_NS. said_ns: atomic, when it was said last. */
static bool
may_say(uint64_t *said_ns, uint64_t now_ns)
{
    uint64_t last = dco_load(said_ns);

    return (last == 0 || now_ns - last >= SAY_NS) && dco_cas(said_ns, &last, now_ns);
}

void
train_check(struct plane_dev *dev, uint64_t now_ns)
{
    static uint64_t said_ns;
    struct dco_peer *found[FOUND_MAX];
    unsigned n = dco_peers_select(dev->peers, judge, &now_ns, found, FOUND_MAX);

    for (unsigned i = 0; i < n; i++) {
        char text[ENDPOINT_TEXT_LEN];
        struct dco_path path;

        dco_peer_path(found[i], &path);
        endpoint_text(&path.remote, text);
        if (may_say(&said_ns, now_ns))
            log_line(LOG_LEVEL_WARN,
                     "%s: the peer at %s answers single packets but not trains, so it gets single "
                     "packets for %u minutes, which is slower; a network card may not cut UDP "
                     "segmentation, see BROKEN CARDS in opendco(8)",
                     dev->name, text, TRAIN_CHECK_OFF_S / 60);
        dco_peer_put(found[i]);
    }
}

struct count {
    unsigned n;
    uint64_t now_ns;
};

static bool
count_off(struct dco_peer *peer, void *arg)
{
    struct count *count = arg;
    uint64_t off_ns = dco_load(&dco_peer_platform(peer)->trains_off_ns);

    count->n += off_ns != UINT64_MAX && off_ns > count->now_ns;
    return false;
}

unsigned
train_check_count(struct plane_dev *dev, uint64_t now_ns)
{
    struct count count = {.now_ns = now_ns};
    struct dco_peer *none[1];

    (void)dco_peers_select(dev->peers, count_off, &count, none, 1);
    return count.n;
}

void
train_check_failed(const struct rx *rx, const struct rx_run *run, uint64_t now_ns)
{
    static uint64_t said_ns;
    char text[ENDPOINT_TEXT_LEN];

    for (uint32_t i = 0; i < run->n; i++) {
        const struct aead_op *op = &run->op[i];

        if (op->ok || op->len < UNCUT_BYTES || !may_say(&said_ns, now_ns))
            continue;
        endpoint_text(&rx->msg[run->msg[i]].path.remote, text);
        log_line(LOG_LEVEL_WARN,
                 "a datagram of %u bytes from %s is not authentic; it may be a train that the "
                 "sender's network card did not cut, see BROKEN CARDS in opendco(8)",
                 (unsigned)op->len + DCO_OVERHEAD, text);
    }
}
