/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The ioctl front on hostile lists. The first byte chooses the command; the rest is either the
 * packed list itself, or a recipe from which a well-formed list is built whose names are those the
 * commands know, so that what lies behind the parser is reached too.
 */
#include "tunnel.h"

static struct tunnel tunnel;

static const char *const names[] = {"peerid",   "fd",   "remote",  "local",    "vpn_ipv4",
                                    "vpn_ipv6", "slot", "keyid",   "encrypt",  "decrypt",
                                    "cipher",   "key",  "iv",      "interval", "timeout",
                                    "ifmode",   "af",   "address", "port",     "scopeid"};
static const char *const words[] = {"none", "AES-128-GCM", "AES-256-GCM", "CHACHA20-POLY1305", "x"};

struct input {
    const uint8_t *p;
    size_t left;
};

static uint8_t
byte(struct input *in)
{
    if (in->left == 0)
        return 0;
    in->left--;
    return *in->p++;
}

static uint64_t
number(struct input *in)
{
    uint8_t kind = byte(in), v = byte(in);

    switch (kind % 4) {
    case 0:
        return v;
    case 1:
        return (uint64_t)tunnel.fd;
    case 2:
        return (uint64_t)v << (kind >> 2);
    default:
        return v & 1 ? AF_INET : AF_INET6;
    }
}

static nvlist_t *
recipe(struct input *in, int depth)
{
    nvlist_t *nvl = nvlist_create(0);
    uint8_t data[64];

    while (in->left > 0) {
        uint8_t what = byte(in);
        const char *name = names[byte(in) % nitems(names)];

        if (nvlist_exists_number(nvl, name) || nvlist_exists_string(nvl, name) ||
            nvlist_exists_nvlist(nvl, name) || nvlist_exists_binary(nvl, name))
            continue;
        switch (what % 5) {
        case 0:
            nvlist_add_number(nvl, name, number(in));
            break;
        case 1:
            nvlist_add_string(nvl, name, words[byte(in) % nitems(words)]);
            break;
        case 2:
            for (unsigned i = 0; i < sizeof(data); i++)
                data[i] = byte(in);
            nvlist_add_binary(nvl, name, data,
                              (size_t[]){0, 4, 8, 16, 24, 32, 33, 64}[what / 5 % 8]);
            break;
        case 3:
            if (depth < 3)
                nvlist_move_nvlist(nvl, name, recipe(in, depth + 1));
            break;
        default:
            return nvl;
        }
    }
    return nvl;
}

static void
raw(unsigned long cmd, const uint8_t *data, size_t size)
{
    struct ifdrv drv = {.ifd_cmd = cmd, .ifd_len = size};

    drv.ifd_data = malloc(size + 1);
    memcpy(drv.ifd_data, data, size);
    (void)world_ioctl(tunnel.ifp, SIOCSDRVSPEC, &drv);
    free(drv.ifd_data);
}

static void
clean(void)
{
    struct user_event e;

    for (uint32_t id = 0; id < 256; id++)
        (void)user_del_peer(tunnel.ifp, id);
    while (user_event(tunnel.ifp, &e) == 0)
        ;
    world_settle();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input in = {data, size};

    if (tunnel.ifp == NULL) {
        world_start();
        tunnel_up(&tunnel, "AES-256-GCM");
    }
    if (size < 2)
        return 0;
    (void)user_new_peer(tunnel.ifp, &tunnel.peer);
    if (data[0] & 0x80) {
        raw(_IO('D', data[0] & 0xf), data + 1, MIN(size - 1, 4096));
    } else {
        while (in.left > 1) {
            unsigned long cmd = _IO('D', byte(&in) & 0xf);

            (void)user_request(tunnel.ifp, cmd, recipe(&in, 0));
        }
    }
    clean();
    return 0;
}
