/* SPDX-License-Identifier: BSD-2-Clause */
#include "linux/plane/source.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>

#include "core/atomic.h"
#include "linux/sys/clock.h"

#define SETS         8192U  /* power of two; 128 bytes each, touched as they fill */
#define WAYS         4U     /* enough to cache a network of some thousand hosts */
#define QUESTION_NS  50000U /* between two of one peer on average: a tenth of one CPU */
#define QUESTION_ROW 2000U  /* allowed at once, when a network behind a client wakes up */

struct source_answer {
    struct dco_ip src; /* family 0: none */
    uint32_t ifindex;  /* of the device in the question */
    uint32_t generation;
    uint32_t way; /* enum fib_way */
};

int
source_check_init(struct source_check *check, struct fib *fib)
{
    check->fib = fib;
    check->cache = calloc((size_t)SETS * WAYS, sizeof(*check->cache));
    if (check->cache == NULL)
        return -ENOMEM;
    if (getrandom(&check->seed, sizeof(check->seed), 0) != sizeof(check->seed))
        return -EIO;
    return 0;
}

void
source_check_fini(struct source_check *check)
{
    free(check->cache);
}

/* A token bucket: each question moves question_ns ahead by QUESTION_NS, and it may be QUESTION_ROW
 * questions ahead of now. Two workers that serve one peer at a time may lose a count. */
static bool
may_ask(struct dco_peer *peer, uint64_t now_ns)
{
    struct dco_peer_platform *platform = dco_peer_platform(peer);
    uint64_t paid_ns = dco_load(&platform->question_ns);

    if (paid_ns >= now_ns + (uint64_t)QUESTION_ROW * QUESTION_NS)
        return false;
    dco_store(&platform->question_ns, (paid_ns > now_ns ? paid_ns : now_ns) + QUESTION_NS);
    return true;
}

static struct source_answer *
set_of(const struct source_check *check, const struct dco_ip *src)
{
    return &check->cache[(dco_ip_hash(src, check->seed) & (SETS - 1)) * WAYS];
}

static struct source_answer *
find(struct source_answer *set, uint32_t ifindex, const struct dco_ip *src)
{
    for (unsigned i = 0; i < WAYS; i++)
        if (set[i].ifindex == ifindex && dco_ip_equal(&set[i].src, src))
            return &set[i];
    return NULL;
}

/* The entry to replace: an empty or outdated one, else each in turn. */
static struct source_answer *
victim(struct source_check *check, struct source_answer *set, uint32_t generation)
{
    for (unsigned i = 0; i < WAYS; i++)
        if (set[i].src.family == 0 || set[i].generation != generation)
            return &set[i];
    return &set[check->turn++ % WAYS];
}

/* known: the outdated answer, NULL if there is none. */
static int
ask(struct source_check *check, struct source_answer *known, uint32_t ifindex,
    struct dco_peer *peer, const struct dco_ip *src)
{
    struct fib_flow flow = {.dst = *src};
    uint32_t generation = fib_generation(); /* read before the question */
    int way = may_ask(peer, clock_now_ns()) ? fib_leads_to(check->fib, &flow, ifindex) : -EAGAIN;

    if (way < 0)
        return known != NULL ? (int)known->way : FIB_ELSEWHERE;
    if (known == NULL)
        known = victim(check, set_of(check, src), generation);
    *known = (struct source_answer){
        .src = *src, .ifindex = ifindex, .generation = generation, .way = (uint32_t)way};
    return way;
}

static int
way_to(struct source_check *check, uint32_t ifindex, struct dco_peer *peer,
       const struct dco_ip *src)
{
    struct source_answer *known = find(set_of(check, src), ifindex, src);

    if (known != NULL && known->generation == fib_generation())
        return (int)known->way;
    return ask(check, known, ifindex, peer, src);
}

bool
source_ok(struct source_check *check, const struct plane_dev *dev, struct dco_peer *peer,
          const struct dco_ip *src)
{
    if (!dco_peers_source_ok(dev->peers, peer, src))
        return false;
    return dev->mode == DCO_MODE_P2P || dco_peer_has_vpn(peer, src) ||
           way_to(check, dev->ifindex, peer, src) != FIB_ELSEWHERE;
}

bool
dest_ok(struct source_check *check, const struct plane_dev *dev, struct dco_peer *from,
        const struct dco_peer *to, const struct dco_ip *dst)
{
    return dco_peer_has_vpn(to, dst) || way_to(check, dev->ifindex, from, dst) != FIB_ELSEWHERE;
}
