/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the platform lends to the core: memory, deferred execution, and the ends of objects that the
 * core only carries (keyed ciphers, transports). One struct per set of peers, constant while that
 * set lives. Every function must be callable with the control lock held and must not sleep.
 *
 * Readers and writers.  Readers of peers, keys, tables and routes run inside a read section that
 * the platform defines (a worker's burst; epoch(9) in a kernel). Writers hold the control lock of
 * the set (struct dco_peers). An object that a reader may still see is handed to dco_env_defer(),
 * which hands it to dco_deferred_run() once every read section that was open at the time of the
 * call has ended.
 */
#ifndef DCO_ENV_H
#define DCO_ENV_H

#include "deferred.h"

/* Handed back to each of the functions below. */
struct dco_env {
    void *platform; /* const; the platform's own, the core does not look at it */
};

/* Each platform defines these once. They are functions and no pointers, for the same reason as
 * above. */

/* Zeroed memory, 64-byte aligned, or NULL. */
void *dco_env_alloc(const struct dco_env *env, size_t size);
void dco_env_free(const struct dco_env *env, void *p, size_t size);
void dco_env_defer(const struct dco_env *env, struct dco_deferred *d);

/* Ends a cipher given to dco_control_key_new(): wipes and frees it. */
void dco_env_crypto_free(const struct dco_env *env, void *crypto);
/* Gives up the reference to a transport given to dco_control_peer_new(). */
void dco_env_transport_put(const struct dco_env *env, void *transport);
/* At least one event waits; see dco_event_take(). Called with the control lock held. */
void dco_env_wake(const struct dco_env *env);

#endif
