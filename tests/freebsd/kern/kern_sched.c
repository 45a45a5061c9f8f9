/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Locks, the network epoch, the task queue and the clock. Real threads may use all of it; the clock
 * stands still until the test moves it.
 */
#include "world.h"
#undef malloc
#undef free

int hz = 1000;

/* Lock order, as WITNESS learns it: who was taken while whom was held. */

enum { CLASSES = 16, HELD = 8 };
static const char *class_name[CLASSES]; /* order_lock */
static bool taken_after[CLASSES][CLASSES];
static pthread_mutex_t order_lock = PTHREAD_MUTEX_INITIALIZER;
static __thread int held[HELD]; /* its address also stands for the thread */
static __thread int held_count;
static __thread int mutexes_held;
static __thread int epoch_depth;

static int
class_of(const char *name)
{
    int i = 0;

    while (class_name[i] != NULL && strcmp(class_name[i], name) != 0)
        kern_assert(++i < CLASSES);
    class_name[i] = name;
    return i;
}

static void
note_taken(const char *name)
{
    int c;

    kern_assert(name != NULL);
    pthread_mutex_lock(&order_lock);
    c = class_of(name);
    for (int i = 0; i < held_count; i++) {
        kern_assert(held[i] != c);
        kern_assert(!taken_after[held[i]][c]);
        taken_after[c][held[i]] = true;
    }
    pthread_mutex_unlock(&order_lock);
    kern_assert(held_count < HELD);
    held[held_count++] = c;
}

static void
note_left(const char *name)
{
    int c, i;

    pthread_mutex_lock(&order_lock);
    c = class_of(name);
    pthread_mutex_unlock(&order_lock);
    for (i = held_count - 1; i >= 0 && held[i] != c; i--)
        ;
    kern_assert(i >= 0);
    memmove(&held[i], &held[i + 1], (size_t)(held_count - i - 1) * sizeof(held[0]));
    held_count--;
}

bool kern_holds_nothing(void);
bool
kern_holds_nothing(void)
{
    return held_count == 0 && epoch_depth == 0;
}

static bool
holds(const char *name)
{
    for (int i = 0; i < held_count; i++) {
        if (strcmp(class_name[held[i]], name) == 0)
            return true;
    }
    return false;
}

bool kern_may_sleep(void);
bool
kern_may_sleep(void)
{
    return mutexes_held == 0 && epoch_depth == 0;
}

void
mtx_init(struct mtx *m, const char *name, const char *type __unused, int flags __unused)
{
    pthread_mutex_init(&m->mutex, NULL);
    m->name = name;
    m->owner = NULL;
}

void
mtx_destroy(struct mtx *m)
{
    kern_assert(m->name != NULL);
    pthread_mutex_destroy(&m->mutex);
    m->name = NULL;
}

void
mtx_lock(struct mtx *m)
{
    note_taken(m->name);
    pthread_mutex_lock(&m->mutex);
    __atomic_store_n(&m->owner, &held, __ATOMIC_RELAXED);
    mutexes_held++;
}

void
mtx_unlock(struct mtx *m)
{
    note_left(m->name);
    mutexes_held--;
    __atomic_store_n(&m->owner, NULL, __ATOMIC_RELAXED);
    pthread_mutex_unlock(&m->mutex); /* the next holder may destroy it */
}

void
mtx_assert(const struct mtx *m, int what)
{
    kern_assert(what == MA_OWNED);
    kern_assert(__atomic_load_n(&m->owner, __ATOMIC_RELAXED) == &held);
}

void
sx_init(struct sx *sx, const char *name)
{
    pthread_rwlock_init(&sx->lock, NULL);
    sx->name = name;
    sx->owner = NULL;
}

void
sx_destroy(struct sx *sx)
{
    pthread_rwlock_destroy(&sx->lock);
    sx->name = NULL;
}

void
sx_xlock(struct sx *sx)
{
    kern_assert(kern_may_sleep());
    note_taken(sx->name);
    pthread_rwlock_wrlock(&sx->lock);
    __atomic_store_n(&sx->owner, &held, __ATOMIC_RELAXED);
}

void
sx_xunlock(struct sx *sx)
{
    note_left(sx->name);
    __atomic_store_n(&sx->owner, NULL, __ATOMIC_RELAXED);
    pthread_rwlock_unlock(&sx->lock);
}

void
sx_slock(struct sx *sx)
{
    kern_assert(kern_may_sleep());
    note_taken(sx->name);
    pthread_rwlock_rdlock(&sx->lock);
}

void
sx_sunlock(struct sx *sx)
{
    note_left(sx->name);
    pthread_rwlock_unlock(&sx->lock);
}

void
sx_assert(const struct sx *sx, int what)
{
    kern_assert(what == SA_XLOCKED);
    kern_assert(__atomic_load_n(&sx->owner, __ATOMIC_RELAXED) == &held);
}

/* The network epoch: sections are readers of one lock, a grace period is its writer. */

struct call {
    epoch_callback_t *f;
    struct epoch_context *ctx;
    struct call *next;
};

static pthread_rwlock_t epoch = PTHREAD_RWLOCK_INITIALIZER;
static pthread_mutex_t calls_lock = PTHREAD_MUTEX_INITIALIZER;
static struct call *calls; /* calls_lock; newest first */
static pthread_mutex_t running = PTHREAD_MUTEX_INITIALIZER;

void kern_epoch_left(void);

void
NET_EPOCH_ENTER_(struct epoch_tracker *et)
{
    et->entered = 1;
    if (epoch_depth++ == 0)
        pthread_rwlock_rdlock(&epoch);
}

void
NET_EPOCH_EXIT_(struct epoch_tracker *et)
{
    kern_assert(et->entered == 1);
    et->entered = 0;
    if (--epoch_depth == 0) {
        pthread_rwlock_unlock(&epoch);
        kern_epoch_left();
    }
}

bool
kern_in_epoch(void)
{
    return epoch_depth > 0;
}

void
NET_EPOCH_WAIT(void)
{
    kern_assert(kern_may_sleep());
    pthread_rwlock_wrlock(&epoch);
    pthread_rwlock_unlock(&epoch);
}

void
NET_EPOCH_CALL(epoch_callback_t *f, struct epoch_context *ctx)
{
    struct call *c = malloc(sizeof(*c));

    pthread_mutex_lock(&calls_lock);
    *c = (struct call){f, ctx, calls};
    calls = c;
    pthread_mutex_unlock(&calls_lock);
}

void
NET_EPOCH_DRAIN_CALLBACKS(void)
{
    struct call *list, *c;

    kern_assert(kern_may_sleep());
    pthread_mutex_lock(&running);
    pthread_mutex_lock(&calls_lock);
    list = calls;
    calls = NULL;
    pthread_mutex_unlock(&calls_lock);
    NET_EPOCH_WAIT();
    world_in_kernel(1);
    while ((c = list) != NULL) {
        list = c->next;
        c->f(c->ctx);
        free(c);
    }
    world_in_kernel(-1);
    pthread_mutex_unlock(&running);
}

/* Clock and tasks */

void kern_crypto_time(void);
void *kern_stack_enter(void);
void kern_stack_leave(void *before);

struct taskqueue {
    pthread_mutex_t lock;
    pthread_mutex_t running;    /* held while a task runs */
    struct timeout_task *tasks; /* lock */
};
static struct taskqueue queue = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_MUTEX_INITIALIZER, NULL};
struct taskqueue *taskqueue_thread = &queue;
static uint64_t now_ns = 1000000000000ULL; /* atomic */

uint64_t
world_now(void)
{
    return __atomic_load_n(&now_ns, __ATOMIC_RELAXED);
}

sbintime_t
getsbinuptime(void)
{
    return nstosbt(world_now());
}

static bool
disarm(struct timeout_task *task)
{
    struct timeout_task **at;

    for (at = &queue.tasks; *at != NULL; at = &(*at)->next) {
        if (*at == task) {
            *at = task->next;
            task->due_ns = 0;
            return true;
        }
    }
    return false;
}

int
taskqueue_enqueue_timeout_sbt(struct taskqueue *q __unused, struct timeout_task *task,
                              sbintime_t sbt, sbintime_t precision __unused, int flags __unused)
{
    uint64_t wait =
        (uint64_t)(sbt >> 32) * 1000000000 + (((uint64_t)(uint32_t)sbt * 1000000000) >> 32);

    pthread_mutex_lock(&queue.lock);
    disarm(task);
    task->due_ns = world_now() + wait;
    task->next = queue.tasks;
    queue.tasks = task;
    pthread_mutex_unlock(&queue.lock);
    return 0;
}

int
taskqueue_cancel_timeout(struct taskqueue *q __unused, struct timeout_task *task,
                         unsigned *pending __unused)
{
    pthread_mutex_lock(&queue.lock);
    disarm(task);
    pthread_mutex_unlock(&queue.lock);
    return 0;
}

void
taskqueue_drain_timeout(struct taskqueue *q __unused, struct timeout_task *task)
{
    kern_assert(kern_may_sleep());
    pthread_mutex_lock(&queue.lock);
    kern_assert(task->due_ns == 0);
    pthread_mutex_unlock(&queue.lock);
    pthread_mutex_lock(&queue.running);
    pthread_mutex_unlock(&queue.running);
}

/* The earliest task due by then, disarmed; NULL: none. */
static struct timeout_task *
next_due(uint64_t by_ns, uint64_t *due_ns)
{
    struct timeout_task *best = NULL;

    pthread_mutex_lock(&queue.lock);
    for (struct timeout_task *t = queue.tasks; t != NULL; t = t->next) {
        if (t->due_ns <= by_ns && (best == NULL || t->due_ns < best->due_ns))
            best = t;
    }
    if (best != NULL) {
        *due_ns = best->due_ns;
        disarm(best);
    }
    pthread_mutex_unlock(&queue.lock);
    return best;
}

void
world_advance(uint64_t ns)
{
    uint64_t by_ns = world_now() + ns, due_ns = 0;
    struct timeout_task *task;
    void *before;

    for (;;) {
        pthread_mutex_lock(&queue.running);
        task = next_due(by_ns, &due_ns);
        if (task != NULL) {
            __atomic_store_n(&now_ns, MAX(due_ns, world_now()), __ATOMIC_RELAXED);
            before = kern_stack_enter();
            task->func(task->arg, 1);
            kern_stack_leave(before);
        }
        pthread_mutex_unlock(&queue.running);
        if (task == NULL)
            break;
    }
    __atomic_store_n(&now_ns, by_ns, __ATOMIC_RELAXED);
    NET_EPOCH_DRAIN_CALLBACKS();
    NET_EPOCH_DRAIN_CALLBACKS();
}

void
world_settle(void)
{
    world_advance(0);
}

int
pause(const char *what __unused, int ticks __unused)
{
    kern_assert(kern_may_sleep());
    kern_assert(!holds("if_ovpn interfaces")); /* nobody else's driver is waited for with it */
    kern_crypto_time();
    return 0;
}
