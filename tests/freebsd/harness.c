/* SPDX-License-Identifier: BSD-2-Clause */
#include <sys/wait.h>
#include <unistd.h>

#include "harness.h"

#define SECONDS_MAX 300

static struct {
    const char *name;
    void (*run)(void);
} tests[256];
static unsigned count;

void
test_register(const char *name, void (*run)(void))
{
    kern_assert(count < nitems(tests));
    tests[count].name = name;
    tests[count++].run = run;
}

void
test_failed(const char *file, int line, const char *what, long long got, long long want)
{
    fprintf(stderr, "%s:%d: %s: got %lld, want %lld\n", file, line, what, got, want);
    _exit(1);
}

static bool
run(unsigned i)
{
    int status;
    pid_t pid;

    fflush(stdout);
    pid = fork();
    if (pid == 0) {
        alarm(SECONDS_MAX);
        world_start();
        tests[i].run();
        world_stop();
        exit(0);
    }
    return pid > 0 && waitpid(pid, &status, 0) == pid && status == 0;
}

/* Arguments: words, of which one must be in the name. Weak, because a fuzzer brings its own. */
__attribute__((weak)) int
main(int argc, char **argv)
{
    unsigned passed = 0, failed = 0;

    for (unsigned i = 0; i < count; i++) {
        bool wanted = argc == 1;

        for (int a = 1; a < argc; a++)
            wanted |= strstr(tests[i].name, argv[a]) != NULL;
        if (!wanted)
            continue;
        if (run(i)) {
            passed++;
        } else {
            failed++;
            printf("FAIL %s\n", tests[i].name);
        }
    }
    printf("%u passed, %u failed\n", passed, failed);
    return failed != 0;
}
