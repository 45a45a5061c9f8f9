/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the platform provides for the core: memory, deferred frees, and the release of objects that
 * the core only carries (keyed ciphers, transports). One struct per set of peers, constant while
 * that set lives. Every function must be callable with the control lock held and must not sleep.
 *
 * Readers and writers. Readers of peers, keys, tables and routes run inside a read section, which
 * the platform defines (a worker's burst; epoch(9) in a kernel). Writers hold the control lock of
 * the set (struct dco_peers). They pass an object that a reader may still see to dco_env_defer().
 * It calls dco_deferred_run() for the object once every read section that was open at the time of
 * the call has ended.
 */
#ifndef DCO_ENV_H
#define DCO_ENV_H

#include "deferred.h"

/* Passed to each function below. */
struct dco_env {
    void *platform; /* const; the platform's own data, opaque to the core */
};

/* Each platform defines these once. They are not function pointers, for the reason given in
 * deferred.h. */

/* Zeroed memory, 64-byte aligned, or NULL. */
void *dco_env_alloc(const struct dco_env *env, size_t size);
void dco_env_free(const struct dco_env *env, void *p, size_t size);
void dco_env_defer(const struct dco_env *env, struct dco_deferred *d);

/* Wipes and frees a cipher that dco_control_key_new() took over. */
void dco_env_crypto_free(const struct dco_env *env, void *crypto);
/* Gives up the reference that dco_control_peer_new() took over. */
void dco_env_transport_put(const struct dco_env *env, void *transport);
/* Tells the platform that an event waits for dco_event_take(). Called with the control lock
 * held. */
void dco_env_wake(const struct dco_env *env);

#endif
