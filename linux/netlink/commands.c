/* SPDX-License-Identifier: BSD-2-Clause */
#include "linux/netlink/commands.h"

#include <errno.h>
#include <string.h>

#include "linux/netlink/reply.h"

/* Peers */

/* UINT32_MAX means "unchanged" to the core, so it becomes one second less. */
static uint32_t
seconds(const struct nl_number *n)
{
    return n->value < UINT32_MAX ? (uint32_t)n->value : UINT32_MAX - 1;
}

static bool
has_timers(const struct nl_message *m)
{
    return m->interval_s.given && m->timeout_s.given;
}

static int
timers_set(const struct nl_call *c, const struct nl_message *m)
{
    return dco_control_peer_set(c->peers, (uint32_t)m->peer_id.value, seconds(&m->interval_s),
                                seconds(&m->timeout_s), c->ops->now());
}

/* share_vpn: in openvpn the newest session of a VPN address wins. */
static struct dco_peer_new
peer_request(const struct nl_message *m)
{
    return (struct dco_peer_new){
        .id = (uint32_t)m->peer_id.value,
        .tx_id = (uint32_t)(m->tx_id.given ? m->tx_id.value : m->peer_id.value),
        .vpn4 = m->vpn4,
        .vpn6 = m->vpn6,
        .path = {.remote = m->remote, .local = m->local},
        .share_vpn = true,
    };
}

static int
peer_make(const struct nl_call *c, uint32_t fd, struct dco_peer_new *req)
{
    int err = c->ops->transport_get(fd, c->ifindex, &req->transport);

    if (err != 0)
        return err;
    if (c->ops->peer_locate != NULL)
        c->ops->peer_locate(req);
    err = dco_control_peer_new(c->peers, req, c->ops->now());
    if (err != 0)
        c->ops->transport_put(req->transport);
    else if (c->ops->peer_made != NULL)
        c->ops->peer_made(req);
    return err;
}

int
nl_peer_new(const struct nl_call *c, const struct nl_message *m)
{
    struct dco_peer_new req = peer_request(m);
    uint32_t fd = (uint32_t)m->fd.value;
    int kind, err;

    if (!m->peer_id.given || !m->fd.given || !dco_control_peer_valid(c->peers, &req))
        return -EINVAL;
    kind = c->ops->socket_check(fd);
    if (kind < 0)
        return kind;
    if (kind == NL_SOCKET_TCP) /* openvpn 2.6 gives the remote address all the same */
        memset(&req.path, 0, sizeof(req.path));
    else if (req.path.remote.ip.family == 0)
        return -EINVAL;
    err = peer_make(c, fd, &req);
    return err == 0 && has_timers(m) ? timers_set(c, m) : err;
}

int
nl_peer_set(const struct nl_call *c, const struct nl_message *m)
{
    struct dco_peer_info info;

    if (!m->peer_id.given)
        return -EINVAL;
    if (has_timers(m))
        return timers_set(c, m);
    return dco_control_peer_get(c->peers, (uint32_t)m->peer_id.value, &info);
}

int
nl_peer_get(const struct nl_call *c, const struct nl_message *m)
{
    uint8_t buf[NL_REPLY_MAX] __attribute__((aligned(8))) = {0};
    struct dco_peer_info info;
    int err = -EINVAL;

    if (m->peer_id.given)
        err = dco_control_peer_get(c->peers, (uint32_t)m->peer_id.value, &info);
    if (err == 0)
        c->sink->emit(c->sink->arg, buf, nl_peer_fill(c, buf, &info, 0));
    return err;
}

int
nl_peer_del(const struct nl_call *c, const struct nl_message *m)
{
    if (!m->peer_id.given)
        return -EINVAL;
    return dco_control_peer_del(c->peers, (uint32_t)m->peer_id.value, DCO_DEL_USERSPACE);
}

/* Keys */

/* The request gives every attribute of a key; their values are checked later. */
static bool
key_complete(const struct nl_message *m)
{
    return m->peer_id.given && m->slot.given && m->key_id.given && m->cipher.given &&
           m->encrypt.key.data != NULL && m->encrypt.tail.data != NULL &&
           m->decrypt.key.data != NULL && m->decrypt.tail.data != NULL;
}

static int
key_install(const struct nl_call *c, struct dco_key_new *req, const struct nl_key *key)
{
    int err = c->ops->crypto_new(key, &req->crypto);

    if (err != 0)
        return err;
    err = dco_control_key_new(c->peers, req, c->ops->now());
    if (err != 0)
        c->ops->crypto_free(req->crypto);
    return err;
}

static struct dco_key_new
key_request(const struct nl_message *m)
{
    return (struct dco_key_new){
        .peer_id = (uint32_t)m->peer_id.value,
        .slot = (enum dco_slot)m->slot.value,
        .key_id = (uint8_t)m->key_id.value,
        .cipher = (enum dco_cipher)m->cipher.value,
        .key_len = (uint16_t)m->encrypt.key.len,
        .tx_key = m->encrypt.key.data,
        .tx_tail = m->encrypt.tail.data,
        .rx_tail = m->decrypt.tail.data,
    };
}

int
nl_key_new(const struct nl_call *c, const struct nl_message *m)
{
    struct dco_key_new req = key_request(m);
    struct nl_key key = {req.cipher,          req.key_len, req.tx_key,
                         m->decrypt.key.data, req.tx_tail, req.rx_tail};
    struct dco_peer_info info;
    int err;

    if (!key_complete(m) ||
        (key.cipher != DCO_CIPHER_AES_GCM && key.cipher != DCO_CIPHER_CHACHA20_POLY1305))
        return -EINVAL;
    err = dco_control_peer_get(c->peers, req.peer_id, &info);
    if (err != 0)
        return err;
    if (m->decrypt.key.len != key.len || !dco_cipher_takes(key.cipher, key.len))
        return -EINVAL;
    return key_install(c, &req, &key);
}

static bool
names_slot(const struct nl_message *m)
{
    return m->peer_id.given && m->slot.given;
}

int
nl_key_get(const struct nl_call *c, const struct nl_message *m)
{
    uint8_t buf[NL_REPLY_MAX] __attribute__((aligned(8))) = {0};
    uint32_t id = (uint32_t)m->peer_id.value;
    enum dco_slot slot = (enum dco_slot)m->slot.value;
    struct dco_key_info info;
    int err = -EINVAL;

    if (names_slot(m))
        err = dco_control_key_get(c->peers, id, slot, &info);
    if (err == 0)
        c->sink->emit(c->sink->arg, buf, nl_key_fill(c, buf, id, slot, &info));
    return err;
}

int
nl_key_swap(const struct nl_call *c, const struct nl_message *m)
{
    if (!m->peer_id.given)
        return -EINVAL;
    return dco_control_key_swap(c->peers, (uint32_t)m->peer_id.value);
}

int
nl_key_del(const struct nl_call *c, const struct nl_message *m)
{
    if (!names_slot(m))
        return -EINVAL;
    return dco_control_key_del(c->peers, (uint32_t)m->peer_id.value, (enum dco_slot)m->slot.value,
                               c->ops->now());
}
