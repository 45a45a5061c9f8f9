/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One epoch call is pending at a time. Objects that are deferred meanwhile wait for the next one,
 * because the grace period of the pending call may have begun before they were deferred.
 */
#include "ovpn_env.h"

#include <sys/kernel.h>

#include "ovpn_cipher.h"
#include "ovpn_sock.h"

void *
dco_env_alloc(const struct dco_env *env __unused, size_t size)
{
    return malloc_aligned(size, 64, M_OVPN, M_NOWAIT | M_ZERO);
}

void
dco_env_free(const struct dco_env *env __unused, void *p, size_t size __unused)
{
    free(p, M_OVPN);
}

static void
run_all(struct dco_deferred *list)
{
    struct dco_deferred *d;

    while ((d = list) != NULL) {
        list = d->next;
        dco_deferred_run(d);
    }
}

static void grace_period_over(struct epoch_context *ctx);

/* For the objects in list. NULL: no grace period begins. */
static void
begin_grace_period(struct ovpn_softc *sc, struct dco_deferred *list)
{
    mtx_assert(&sc->defer_mtx, MA_OWNED);
    sc->defer_now = list;
    sc->defer_armed = list != NULL;
    if (sc->defer_armed)
        NET_EPOCH_CALL(grace_period_over, &sc->defer_ctx);
}

static void
grace_period_over(struct epoch_context *ctx)
{
    struct ovpn_softc *sc = __containerof(ctx, struct ovpn_softc, defer_ctx);
    struct dco_deferred *ready;

    mtx_lock(&sc->defer_mtx);
    ready = sc->defer_now;
    mtx_unlock(&sc->defer_mtx);

    run_all(ready);

    mtx_lock(&sc->defer_mtx);
    begin_grace_period(sc, sc->defer_next);
    sc->defer_next = NULL;
    mtx_unlock(&sc->defer_mtx);
}

void
dco_env_defer(const struct dco_env *env, struct dco_deferred *d)
{
    struct ovpn_softc *sc = env->platform;

    mtx_lock(&sc->defer_mtx);
    if (sc->defer_armed) {
        d->next = sc->defer_next;
        sc->defer_next = d;
    } else {
        d->next = NULL;
        begin_grace_period(sc, d);
    }
    mtx_unlock(&sc->defer_mtx);
}

void
dco_env_crypto_free(const struct dco_env *env __unused, void *crypto)
{
    ovpn_cipher_free(crypto);
}

/* The socket belongs to the interface. A peer's reference to it only counts the peers that exist.
 */
void
dco_env_transport_put(const struct dco_env *env, void *transport __unused)
{
    struct ovpn_softc *sc = env->platform;

    dco_add(&sc->objects, -1);
}

void
dco_env_wake(const struct dco_env *env)
{
    ovpn_sock_wake(env->platform);
}

void
ovpn_env_init(struct ovpn_softc *sc)
{
    mtx_init(&sc->defer_mtx, "if_ovpn defer", NULL, MTX_DEF);
    sc->env.platform = sc;
}

void
ovpn_env_fini(struct ovpn_softc *sc)
{
    mtx_destroy(&sc->defer_mtx);
}

bool
ovpn_env_is_idle(struct ovpn_softc *sc)
{
    bool idle;

    mtx_lock(&sc->defer_mtx);
    idle = !sc->defer_armed && dco_load(&sc->objects) == 0;
    mtx_unlock(&sc->defer_mtx);
    return idle;
}

void
ovpn_env_drain(struct ovpn_softc *sc, int ticks)
{
    const int step = MAX(1, hz / 100);

    NET_EPOCH_DRAIN_CALLBACKS();
    for (; !ovpn_env_is_idle(sc) && ticks > 0; ticks -= step) {
        pause("ovpndr", step);
        NET_EPOCH_DRAIN_CALLBACKS();
    }
    NET_EPOCH_DRAIN_CALLBACKS(); /* the last callback may not have returned yet */
}
