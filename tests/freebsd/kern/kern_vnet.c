/* SPDX-License-Identifier: BSD-2-Clause */
/* Virtual networks, module events, jails, and what a sysctl prints. */
#include "world.h"
#undef malloc
#undef free

extern char __start_set_vnet[], __stop_set_vnet[];

struct vnet {
    char *data; /* a copy of the section */
};

struct vnet *world_vnet[2];
__thread struct vnet *curvnet;

void *
kern_vnet_var(void *entry)
{
    kern_assert(curvnet != NULL);
    return curvnet->data + ((char *)entry - __start_set_vnet);
}

static struct vnet *
vnet_new(void)
{
    size_t size = (size_t)(__stop_set_vnet - __start_set_vnet);
    struct vnet *vnet = malloc(sizeof(*vnet));

    vnet->data = aligned_alloc(64, (size + 63) & ~(size_t)63);
    memcpy(vnet->data, __start_set_vnet, size);
    return vnet;
}

static void
vnet_free(struct vnet *vnet)
{
    free(vnet->data);
    free(vnet);
}

/* Hooks that the module's macros left behind. */

static struct {
    enum kern_hook when;
    const void *f;
} hooks[16];
static unsigned hook_count;

void
kern_hook(enum kern_hook when, const void *f)
{
    kern_assert(hook_count < nitems(hooks));
    hooks[hook_count].when = when;
    hooks[hook_count++].f = f;
}

static void
run_hooks(enum kern_hook when)
{
    for (unsigned i = 0; i < hook_count; i++) {
        if (hooks[i].when == when)
            ((void (*)(const void *))(uintptr_t)hooks[i].f)(NULL);
    }
}

static int
module_event(int type)
{
    for (unsigned i = 0; i < hook_count; i++) {
        if (hooks[i].when == KERN_MODEVENT)
            return ((const moduledata_t *)hooks[i].f)->event(NULL, type, NULL);
    }
    return ENOENT;
}

static osd_method_t jail_methods[PR_MAXMETHOD];

int
osd_jail_register(void *destructor __unused, const osd_method_t *methods)
{
    memcpy(jail_methods, methods, sizeof(jail_methods));
    return 1;
}

void
osd_jail_deregister(int slot)
{
    kern_assert(slot == 1);
    memset(jail_methods, 0, sizeof(jail_methods));
}

bool
prison_owns_vnet(struct prison *pr)
{
    return pr->pr_vnet != NULL;
}

void
world_remove_jail(struct vnet *vnet)
{
    struct prison pr = {vnet};

    kern_assert(jail_methods[PR_METHOD_REMOVE](&pr, NULL) == 0);
    CURVNET_SET(vnet);
    run_hooks(KERN_VNET_SYSUNINIT);
    CURVNET_RESTORE();
}

int
world_load(void)
{
    int error;

    run_hooks(KERN_SYSINIT_EARLY);
    error = module_event(MOD_LOAD);
    for (unsigned i = 0; error == 0 && i < nitems(world_vnet); i++) {
        curvnet = world_vnet[i];
        run_hooks(KERN_VNET_SYSINIT);
    }
    curvnet = world_vnet[0];
    return error;
}

unsigned kern_callbacks(void);

void
world_unload(void)
{
    kern_assert(module_event(MOD_UNLOAD) == 0);
    for (unsigned i = 0; i < nitems(world_vnet); i++) {
        curvnet = world_vnet[i];
        run_hooks(KERN_VNET_SYSUNINIT);
    }
    run_hooks(KERN_SYSUNINIT);
    run_hooks(KERN_SYSUNINIT_LATE);
    kern_assert(kern_callbacks() == 0); /* the module's text is no more */
    curvnet = world_vnet[0];
}

void kern_net_start(void);
void kern_net_stop(void);

void
world_start(void)
{
    for (unsigned i = 0; i < nitems(world_vnet); i++)
        world_vnet[i] = vnet_new();
    curvnet = world_vnet[0];
    kern_net_start();
    kern_assert(world_load() == 0);
}

void
world_stop(void)
{
    world_fail_allocation(0);
    world_unload();
    NET_EPOCH_DRAIN_CALLBACKS();
    kern_net_stop();
    kern_assert(world_sessions() == 0);
    kern_assert(world_live_allocations() == 0);
    for (unsigned i = 0; i < nitems(world_vnet); i++)
        vnet_free(world_vnet[i]);
}

/* sbuf(9) of a sysctl, which writes to the process whenever it is full */

bool kern_holds_nothing(void);

int
sysctl_wire_old_buffer(struct sysctl_req *req, size_t len __unused)
{
    kern_assert(kern_holds_nothing());
    req->wired = true;
    return 0;
}

struct sbuf {
    struct sysctl_req *req;
    size_t len;
};

struct sbuf *
sbuf_new_for_sysctl(struct sbuf *sb, char *buf, int len, struct sysctl_req *req)
{
    kern_assert(sb == NULL && buf == NULL && len > 0);
    sb = kern_malloc(sizeof(*sb), 16, M_WAITOK | M_ZERO);
    sb->req = req;
    return sb;
}

int
sbuf_printf(struct sbuf *sb, const char *fmt, ...)
{
    va_list ap;

    kern_assert(sb->req->wired || kern_holds_nothing());
    va_start(ap, fmt);
    sb->len += (size_t)vsnprintf(sb->req->out + sb->len, sb->req->size - sb->len, fmt, ap);
    va_end(ap);
    kern_assert(sb->len < sb->req->size);
    return 0;
}

int
sbuf_finish(struct sbuf *sb)
{
    sb->req->out[sb->len] = '\0';
    return 0;
}

void
sbuf_delete(struct sbuf *sb)
{
    kern_free(sb, false);
}
