/* SPDX-License-Identifier: BSD-2-Clause */
/* In test builds a function that wants a lock stops a caller that does not hold it. */
#include <pthread.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "dco_os.h"
#include "harness.h"

static struct dco_lock lock;

static void *
assert_held(void *arg)
{
    dco_lock_assert_held(&lock);
    return arg;
}

/* Whether a process that asserts ends as it should; in a thread of its own where other is set. */
static bool
survives(bool other)
{
    struct rlimit no_core = {0, 0};
    pthread_t thread;
    int status = -1;
    pid_t pid = fork();

    if (pid == 0) {
        setrlimit(RLIMIT_CORE, &no_core);
        close(STDERR_FILENO);
        if (other && pthread_create(&thread, NULL, assert_held, NULL) == 0)
            pthread_join(thread, NULL);
        else
            assert_held(NULL);
        _exit(0);
    }
    CHECK(waitpid(pid, &status, 0) == pid);
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

TEST("lock: asserted by its holder only")
{
    dco_lock_init(&lock);
    CHECK(!survives(false));
    dco_lock_acquire(&lock);
    CHECK(survives(false));
    CHECK(!survives(true));
    dco_lock_release(&lock);
    CHECK(!survives(false));
    dco_lock_fini(&lock);
}
