/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Loading and unloading, and the removal of jails.
 */
#include <sys/param.h>
#include <sys/jail.h>
#include <sys/kernel.h>
#include <sys/module.h>
#include <sys/osd.h>

#include <net/vnet.h>

#include "ovpn_if.h"
#include "ovpn_job.h"
#include "ovpn_sock.h"
#include "ovpn_softc.h"

static int osd_slot; /* const while the module is loaded */

/* Ends the interfaces of a jail when it is removed, not only when its last process has ended. */
static int
jail_removed(void *obj, void *data __unused)
{
    struct prison *pr = obj;

    if (prison_owns_vnet(pr)) {
        CURVNET_SET(pr->pr_vnet);
        ovpn_if_detach_cloner();
        ovpn_if_reset_guests();
        CURVNET_RESTORE();
    }
    return 0;
}

static int
load(void)
{
    const osd_method_t methods[PR_MAXMETHOD] = {[PR_METHOD_REMOVE] = jail_removed};
    int error;

    error = ovpn_jobs_load();
    if (error != 0)
        return error;
    ovpn_if_watch();
    osd_slot = osd_jail_register(NULL, methods);
    return 0;
}

/* Ends the interfaces of the host. The SYSUNINITs that follow end those of the other networks,
 * while the kernel locks the list of networks. */
static void
unload(void)
{
    osd_jail_deregister(osd_slot);
    CURVNET_SET(vnet0);
    ovpn_if_detach_cloner();
    CURVNET_RESTORE();
}

static void
finish_unload(const void *unused __unused)
{
    ovpn_if_unwatch();
    ovpn_sock_drain();
    ovpn_softc_reap_all();
    ovpn_jobs_unload();
}
SYSUNINIT(ovpn_finish_unload, SI_SUB_PSEUDO, SI_ORDER_FIRST, finish_unload, NULL);

static int
modevent(module_t mod __unused, int type, void *data __unused)
{
    switch (type) {
    case MOD_LOAD:
        return load();
    case MOD_UNLOAD:
        unload();
        return 0;
    default:
        return EOPNOTSUPP;
    }
}

static moduledata_t ovpn_module = {"if_ovpn", modevent, 0};

DECLARE_MODULE(if_ovpn, ovpn_module, SI_SUB_PSEUDO, SI_ORDER_ANY);
MODULE_VERSION(if_ovpn, 1);
MODULE_DEPEND(if_ovpn, crypto, 1, 1, 1);
