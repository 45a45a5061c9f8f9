/* SPDX-License-Identifier: BSD-2-Clause */
#include "linux/openvpn/pushed.h"

#include <stdio.h>
#include <string.h>

#include "linux/openvpn/config_parse.h"

static bool
is(const char *a, const char *b)
{
    return strcmp(a, b) == 0;
}

static void
clashes(struct pushed *p, const char *const *w, bool refused)
{
    if (p->option[0])
        return;
    config_text_first(p->option, w[0], w[1][0] ? w[1] : NULL);
    p->refused = refused;
}

static void
option(void *arg, const char *const *w)
{
    struct pushed *p = arg;

    if (is(w[0], "comp-lzo") ||
        (is(w[0], "compress") && !is(w[1], "migrate") && !is(w[1], "stub-v2")))
        clashes(p, w, true);
    else if (is(w[0], "shaper"))
        clashes(p, w, false);
    p->block_ipv6 |= is(w[0], "block-ipv6");
    p->partial |= is(w[0], "push-continuation");
    p->peer_id |= is(w[0], "peer-id");
}

static bool
filter_accepts(const struct config_scan *conf, const char *text, size_t len)
{
    while (len > 0 && *text == ' ') {
        text++;
        len--;
    }
    for (unsigned i = 0; i < conf->filters; i++) {
        const struct config_filter *f = &conf->filter[i];
        size_t n = strlen(f->text);

        if (n <= len && memcmp(text, f->text, n) == 0)
            return f->accept;
    }
    return true;
}

bool
pushed_parse(struct pushed *p, const struct config_scan *conf, const char *text, size_t len)
{
    static const char reply[] = "PUSH_REPLY,";
    struct config_parser parser = {.option = option, .arg = p};

    memset(p, 0, sizeof(*p));
    if (len < sizeof(reply) || memcmp(text, reply, sizeof(reply) - 1) != 0)
        return false;
    len = strnlen(text, len);
    for (size_t at = sizeof(reply) - 1, n; at < len; at += n + 1) {
        const char *comma = memchr(text + at, ',', len - at);

        n = comma != NULL ? (size_t)(comma - text) - at : len - at;
        if (filter_accepts(conf, text + at, n))
            config_parse_text(&parser, text + at, n);
    }
    p->block_ipv6 &= !conf->no_routes;
    if (!p->peer_id && !p->partial && !p->option[0]) {
        snprintf(p->option, sizeof(p->option), "no peer-id");
        p->refused = true;
    }
    return true;
}
