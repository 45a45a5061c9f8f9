/* SPDX-License-Identifier: BSD-2-Clause */
/* The main program of every test program: runs each test in a process of its own, reports in TAP.
 */
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness.h"

#define TESTS_MAX    256U
#define SECONDS_MAX  600U
#define STATUS_SKIP  77 /* the test printed its line */
#define SEED_DEFAULT 1U
#define FNV_64_PRIME 0x100000001b3ULL

static struct test {
    const char *name;
    void (*run)(void);
} tests[TESTS_MAX];
static size_t registered;

static void (*run_before)(void), (*run_after)(void);
static const struct test *running;

void
test_register(const char *name, void (*run)(void))
{
    if (registered == TESTS_MAX)
        abort();
    tests[registered++] = (struct test){name, run};
}

void
test_around(void (*before)(void), void (*after)(void))
{
    run_before = before;
    run_after = after;
}

const char *
test_name(void)
{
    return running->name;
}

void
test_skip(const char *why)
{
    printf("ok - %s # SKIP %s\n", running->name, why);
    fflush(stdout);
    _exit(STATUS_SKIP);
}

static uint64_t
number_from_environment(const char *name, uint64_t otherwise)
{
    const char *value = getenv(name);

    return value != NULL && *value != '\0' ? strtoull(value, NULL, 10) : otherwise;
}

unsigned
test_rounds(unsigned rounds)
{
    uint64_t n = rounds * number_from_environment("TEST_ROUNDS", 1);

    return n == 0 ? 1 : (unsigned)n;
}

struct rng
test_rng(void)
{
    struct rng rng = {number_from_environment("TEST_SEED", SEED_DEFAULT)};

    for (const char *c = running->name; *c != '\0'; c++)
        rng.state = (rng.state ^ (uint8_t)*c) * FNV_64_PRIME;
    return rng;
}

/* exit(), because the leak sanitizer looks there. */
static _Noreturn void
run_here(const struct test *test)
{
    running = test;
    if (run_before != NULL)
        run_before();
    test->run();
    if (run_after != NULL)
        run_after();
    exit(0);
}

/* The wait status of a process that ran the test. What the test started and left is killed. */
static int
run(const struct test *test)
{
    pid_t pid;
    int status;

    fflush(stdout);
    pid = fork();
    if (pid == 0) {
        setpgid(0, 0);
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        alarm(SECONDS_MAX * test_rounds(1));
        run_here(test);
    }
    if (pid < 0 || waitpid(pid, &status, 0) != pid) {
        perror("# a process for a test");
        return -1;
    }
    kill(-pid, SIGKILL);
    return status;
}

static void
report_failure(int status)
{
    if (WIFSIGNALED(status))
        printf("# ended by signal %d (%s)\n", WTERMSIG(status), strsignal(WTERMSIG(status)));
    else
        printf("# exit status %d\n", WEXITSTATUS(status));
    printf("not ok - %s (TEST_SEED=%" PRIu64 ")\n", running->name,
           number_from_environment("TEST_SEED", SEED_DEFAULT));
}

static bool
is_wanted(const char *name, char **words)
{
    if (*words == NULL)
        return true;
    while (*words != NULL)
        if (strstr(name, *words++) != NULL)
            return true;
    return false;
}

static size_t
count_wanted(char **words)
{
    size_t n = 0;

    for (size_t i = 0; i < registered; i++)
        n += is_wanted(tests[i].name, words);
    return n;
}

static int
run_wanted(char **words)
{
    size_t passed = 0, failed = 0, skipped = 0;

    printf("1..%zu\n", count_wanted(words));
    for (running = tests; running < tests + registered; running++) {
        int status;

        if (!is_wanted(running->name, words))
            continue;
        status = run(running);
        if (WIFEXITED(status) && WEXITSTATUS(status) == STATUS_SKIP) {
            skipped++;
        } else if (status == 0) {
            passed++;
            printf("ok - %s\n", running->name);
        } else {
            failed++;
            report_failure(status);
        }
    }
    printf("# %zu passed, %zu failed, %zu skipped\n", passed, failed, skipped);
    return failed != 0;
}

static int
list(void)
{
    for (size_t i = 0; i < registered; i++)
        printf("%s\n", tests[i].name);
    return 0;
}

static int
run_named(const char *name)
{
    for (size_t i = 0; i < registered; i++)
        if (strcmp(tests[i].name, name) == 0)
            run_here(&tests[i]);
    fprintf(stderr, "there is no test named \"%s\"\n", name);
    return 2;
}

int
main(int argc, char **argv)
{
    setvbuf(stdout, NULL, _IOLBF, 0);
    if (argc == 2 && strcmp(argv[1], "--list") == 0)
        return list();
    if (argc == 3 && strcmp(argv[1], "--here") == 0)
        return run_named(argv[2]);
    return run_wanted(argv + 1);
}
