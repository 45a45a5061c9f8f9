/* SPDX-License-Identifier: BSD-2-Clause */
#include "ovpn_key.h"

#include "ovpn_cipher.h"
#include "ovpn_clock.h"
#include "ovpn_nv.h"
#include "ovpn_peer.h"
#include "ovpn_timer.h"

#define IV_LEN DCO_NONCE_TAIL_LEN

struct key_dir {
    enum dco_cipher cipher;
    size_t key_len;     /* bytes at key; 0 for cipher none */
    const uint8_t *key; /* in the request list */
    const uint8_t *iv;
};

static const struct {
    const char *name;
    enum dco_cipher cipher;
    size_t key_len;
} ciphers[] = {
    {"none", DCO_CIPHER_NONE, 0},
    {"AES-128-GCM", DCO_CIPHER_AES_GCM, 16},
    {"AES-192-GCM", DCO_CIPHER_AES_GCM, 24},
    {"AES-256-GCM", DCO_CIPHER_AES_GCM, 32},
    {"CHACHA20-POLY1305", DCO_CIPHER_CHACHA20_POLY1305, 32},
};

static int
get_cipher(const nvlist_t *nvl, enum dco_cipher *cipher, size_t *key_len)
{
    const char *name;

    if (!nvlist_exists_string(nvl, "cipher"))
        return EINVAL;
    name = nvlist_get_string(nvl, "cipher");
    for (unsigned i = 0; i < nitems(ciphers); i++) {
        if (strcmp(name, ciphers[i].name) == 0) {
            *cipher = ciphers[i].cipher;
            *key_len = ciphers[i].key_len;
            return 0;
        }
    }
    return EINVAL;
}

static int
get_material(const nvlist_t *nvl, size_t want, struct key_dir *dir)
{
    size_t len;

    if (!nvlist_exists_binary(nvl, "key"))
        return EINVAL;
    dir->key = nvlist_get_binary(nvl, "key", &dir->key_len);
    if (dir->key_len > OVPN_KEY_MAX)
        return E2BIG;
    if (dir->key_len != want || !nvlist_exists_binary(nvl, "iv"))
        return EINVAL;
    dir->iv = nvlist_get_binary(nvl, "iv", &len);
    return len == IV_LEN ? 0 : E2BIG;
}

static int
get_key_dir(const nvlist_t *nvl, const char *name, struct key_dir *dir)
{
    static const uint8_t none[IV_LEN];
    const nvlist_t *sub;
    size_t want;

    if (!nvlist_exists_nvlist(nvl, name))
        return EINVAL;
    sub = nvlist_get_nvlist(nvl, name);
    if (get_cipher(sub, &dir->cipher, &want) != 0)
        return EINVAL;
    dir->key = dir->iv = none;
    return dir->cipher != DCO_CIPHER_NONE ? get_material(sub, want, dir) : 0;
}

static int
install_key(struct ovpn_softc *sc, struct dco_key_new *req, const struct key_dir *tx,
            const struct key_dir *rx)
{
    struct ovpn_cipher *cipher;
    int error;

    error = ovpn_cipher_new(&cipher, tx->cipher, tx->key_len, tx->key, rx->key);
    if (error != 0)
        return error;
    req->plain_ok = true;
    req->cipher = tx->cipher;
    req->key_len = (uint16_t)tx->key_len;
    req->tx_key = tx->key;
    req->tx_tail = tx->iv;
    req->rx_tail = rx->iv;
    req->crypto = cipher;
    error = -dco_control_key_new(sc->active, req, ovpn_now_ns());
    if (error != 0)
        ovpn_cipher_free(cipher);
    return error;
}

static int
get_key_dirs(const nvlist_t *nvl, struct key_dir *tx, struct key_dir *rx)
{
    int error;

    error = get_key_dir(nvl, "encrypt", tx);
    if (error == 0)
        error = get_key_dir(nvl, "decrypt", rx);
    if (error == 0 && (tx->cipher != rx->cipher || tx->key_len != rx->key_len))
        error = EINVAL;
    return error;
}

static int
new_key(struct ovpn_softc *sc, const nvlist_t *nvl)
{
    struct dco_key_new req = {0};
    struct key_dir tx = {0}, rx = {0};
    uint64_t slot, key_id, id;
    int error;

    if (ovpn_nv_number(nvl, "slot", DCO_SLOT_SECONDARY, &slot) != 0 ||
        ovpn_nv_number(nvl, "keyid", DCO_KEY_ID_MAX, &key_id) != 0 ||
        ovpn_nv_number(nvl, "peerid", UINT64_MAX, &id) != 0)
        return EINVAL;
    req.slot = (enum dco_slot)slot;
    req.key_id = (uint8_t)key_id;
    error = get_key_dirs(nvl, &tx, &rx);
    if (error == 0)
        error = ovpn_peer_id(sc, nvl, &req.peer_id);
    return error == 0 ? install_key(sc, &req, &tx, &rx) : error;
}

static void
wipe_binary(const nvlist_t *nvl, const char *name)
{
    const void *bytes;
    size_t len;

    if (!nvlist_exists_binary(nvl, name))
        return;
    bytes = nvlist_get_binary(nvl, name, &len);
    explicit_bzero(__DECONST(void *, bytes), len);
}

/* nvlist_destroy() frees a list without wiping it. */
static void
wipe_key(const nvlist_t *nvl, const char *direction)
{
    const nvlist_t *sub;

    if (nvl == NULL || !nvlist_exists_nvlist(nvl, direction))
        return;
    sub = nvlist_get_nvlist(nvl, direction);
    wipe_binary(sub, "key");
    wipe_binary(sub, "iv");
}

void
ovpn_keys_wipe(const nvlist_t *nvl)
{
    wipe_key(nvl, "encrypt");
    wipe_key(nvl, "decrypt");
}

int
ovpn_cmd_new_key(struct ovpn_softc *sc, const nvlist_t *nvl)
{
    int error = new_key(sc, nvl);

    ovpn_timer_kick(sc);
    return error;
}

int
ovpn_cmd_swap_keys(struct ovpn_softc *sc, const nvlist_t *nvl)
{
    struct dco_key_info key;
    struct dco_peer_info peer;
    uint32_t id;
    int error;

    error = ovpn_peer_id(sc, nvl, &id);
    if (error != 0)
        return error;
    if (dco_control_peer_get(sc->active, id, &peer) != 0)
        return ENOENT;
    if (dco_control_key_get(sc->active, id, DCO_SLOT_SECONDARY, &key) != 0)
        return ENOLINK;
    error = -dco_control_key_swap(sc->active, id);
    ovpn_timer_kick(sc);
    return error;
}

int
ovpn_cmd_del_key(struct ovpn_softc *sc, const nvlist_t *nvl)
{
    uint64_t slot;
    uint32_t id;
    int error;

    if (ovpn_nv_number(nvl, "slot", DCO_SLOT_SECONDARY, &slot) != 0)
        return EINVAL;
    error = ovpn_peer_id(sc, nvl, &id);
    if (error != 0)
        return error;
    error = -dco_control_key_del(sc->active, id, (enum dco_slot)slot, ovpn_now_ns());
    ovpn_timer_kick(sc);
    return error;
}
