/* SPDX-License-Identifier: Apache-2.0
 *
 * `linnet conformance`: the runner of ONNX's backend tests. Each test has a process of its own, so that a crash is a
 * failure of that test, and a time limit, so that a hang is one too. Results are printed in the order of the tests.
 * WASI has no processes: there one test runs after the other in this one, without a limit.
 */
#include <errno.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>
#ifndef __wasi__
#include <poll.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#endif

#include "tools/conformance.h"

enum { MAX_JOBS = 256, REASON = 1024 };

/* A test that is running. The child writes its verdict as a byte, then the reason. */
typedef struct job {
    int pid; /* 0: free */
    int fd, test;
    double begin;
    size_t got;
    char text[REASON + 1];
    bool late;
} job;

typedef struct runner {
    ln_tests *tests;
    job *jobs;
    int n_jobs, n_running, n_started, n_printed, counts[LN_VERDICTS];
    double limit, begin;
    ln_test_options options;
    bool quiet, colour;
} runner;

static void print_result(const runner *r, const ln_test *t)
{
    static const char *const colour[LN_VERDICTS] = {"\033[32m", "\033[31m", "\033[33m", "\033[36m"};
    if (r->quiet && t->verdict == LN_PASS)
        return;
    ln_progress(NULL);
    printf("%s%s%s %s%s%s\n", r->colour ? colour[t->verdict] : "", ln_verdict_names[t->verdict],
           r->colour ? "\033[0m" : "", t->name, *t->reason ? ": " : "", t->reason);
}

/* A test has its verdict; prints those whose turn it is. */
static void judge(runner *r, ln_test *t, char *text)
{
    for (char *p = text; *p; p++)
        *p = *p == '\n' ? ' ' : *p;
    t->reason = ln_arena_strndup(r->tests->arena, text, strlen(text));
    t->reason = t->reason ? t->reason : "";
    r->counts[t->verdict]++;
    for (; r->n_printed < r->tests->n && r->tests->items[r->n_printed].verdict != LN_PENDING; r->n_printed++)
        print_result(r, &r->tests->items[r->n_printed]);
    if (ln_now() - r->begin > 1)
        ln_progress("%d of %d tests, %d passed, %d failed", r->n_printed, r->tests->n, r->counts[LN_PASS],
                    r->counts[LN_FAIL]);
}

#ifndef __wasi__
static void child(const ln_test *test, const ln_test_options *options, int fd)
{
    char text[REASON + 1];
    struct rlimit no_core = {0, 0};
    setrlimit(RLIMIT_CORE, &no_core);
    ln_verdict verdict = ln_test_run(test, options, text + 1, REASON);
    text[0] = (char)('0' + (int)verdict);
    size_t n = 1 + strlen(text + 1);
    for (size_t at = 0; at < n;) {
        ssize_t w = write(fd, text + at, n - at);
        if (w <= 0)
            break;
        at += (size_t)w;
    }
    exit(0); /* with what a sanitizer has to say */
}

static bool start(runner *r, job *j)
{
    int fds[2];
    fflush(NULL);
    if (pipe(fds))
        return ln_bad("pipe: %s", strerror(errno)) == 0;
    *j = (job){.fd = fds[0], .test = r->n_started, .begin = ln_now()};
    pid_t pid = fork();
    if (pid < 0) {
        close(fds[0]);
        close(fds[1]);
        return ln_bad("fork: %s", strerror(errno)) == 0;
    }
    if (pid == 0) {
        close(fds[0]);
        for (int i = 0; i < r->n_jobs; i++)
            if (r->jobs[i].pid)
                close(r->jobs[i].fd);
        child(&r->tests->items[r->n_started], &r->options, fds[1]);
    }
    close(fds[1]);
    j->pid = pid;
    r->n_started++;
    r->n_running++;
    return true;
}

/* The child's end of the pipe is closed: what came of it. */
static void finish(runner *r, job *j)
{
    int status = 0;
    ln_test *t = &r->tests->items[j->test];
    while (waitpid(j->pid, &status, 0) < 0 && errno == EINTR)
        continue;
    close(j->fd);
    j->pid = 0;
    r->n_running--;
    j->text[j->got] = 0;
    t->seconds = ln_now() - j->begin;
    t->verdict = LN_FAIL;
    char text[REASON];
    if (j->late)
        snprintf(text, sizeof text, "not done after %g seconds", r->limit);
    else if (WIFSIGNALED(status))
        snprintf(text, sizeof text, "crashed: %s", strsignal(WTERMSIG(status)));
    else if (WEXITSTATUS(status) || !j->got)
        snprintf(text, sizeof text, "ended with code %d", WEXITSTATUS(status));
    else {
        t->verdict = (ln_verdict)(j->text[0] - '0');
        snprintf(text, sizeof text, "%s", j->text + 1);
    }
    judge(r, t, text);
}

/* Waits until a job has something to say or its time is up. */
static void attend(runner *r)
{
    struct pollfd fds[MAX_JOBS];
    job *who[MAX_JOBS];
    nfds_t n = 0;
    for (int i = 0; i < r->n_jobs; i++)
        if (r->jobs[i].pid) {
            who[n] = &r->jobs[i];
            fds[n++] = (struct pollfd){.fd = r->jobs[i].fd, .events = POLLIN};
        }
    poll(fds, n, 100);
    for (nfds_t i = 0; i < n; i++) {
        job *j = who[i];
        if (!j->late && ln_now() - j->begin > r->limit) {
            j->late = true;
            kill(j->pid, SIGKILL);
        }
        if (!fds[i].revents)
            continue;
        ssize_t got = read(j->fd, j->text + j->got, REASON - j->got);
        if (got > 0)
            j->got += (size_t)got;
        else if (got == 0 || errno != EINTR)
            finish(r, j);
    }
}

static bool run_all(runner *r)
{
    while (r->n_started < r->tests->n || r->n_running) {
        for (int i = 0; i < r->n_jobs && r->n_started < r->tests->n; i++)
            if (!r->jobs[i].pid && !start(r, &r->jobs[i]))
                return false;
        attend(r);
    }
    ln_progress(NULL);
    return true;
}
#else
static bool run_all(runner *r)
{
    for (; r->n_started < r->tests->n; r->n_started++) {
        ln_test *t = &r->tests->items[r->n_started];
        char text[REASON + 1];
        double begin = ln_now();
        ln_verdict verdict = ln_test_run(t, &r->options, text, REASON);
        t->seconds = ln_now() - begin;
        t->verdict = verdict;
        judge(r, t, text);
    }
    ln_progress(NULL);
    return true;
}
#endif

/* --only: the name, or the end of the path from a folder on, matches one of the globs. */
static bool wanted(const ln_cli *cli, const ln_test *test)
{
    const char *glob;
    for (int i = 0; (glob = ln_cli_item(cli, "only", i)); i++) {
        if (!fnmatch(glob, test->name, 0))
            return true;
        for (const char *p = test->path; p && strchr(glob, '/'); p = strchr(p, '/'), p += p != NULL)
            if (!fnmatch(glob, p, 0))
                return true;
    }
    return !ln_cli_flag(cli, "only");
}

static int report(const ln_cli *cli, const runner *r)
{
    const ln_tests *tests = r->tests;
    const char *json = ln_cli_text(cli, "json", NULL), *junit = ln_cli_text(cli, "junit", NULL),
               *expect = ln_cli_text(cli, "expect", NULL);
    if ((json && !ln_tests_json(tests, json)) || (junit && !ln_tests_junit(tests, junit)))
        return LN_EXIT_BAD;
    int differences = expect ? ln_tests_expect(tests, expect) : r->counts[LN_FAIL];
    if (differences < 0)
        return LN_EXIT_BAD;
    printf("%d tests: %d passed, %d failed, %d unsupported, %d skipped\n", tests->n, r->counts[LN_PASS],
           r->counts[LN_FAIL], r->counts[LN_UNSUPPORTED], r->counts[LN_SKIP]);
    return differences ? LN_EXIT_NEGATIVE : LN_EXIT_OK;
}

static int conform(const ln_cli *cli, ln_arena *arena)
{
    ln_tests tests = {.arena = arena};
    int64_t jobs = 1, threads = 0;
    runner r = {.tests = &tests,
                .limit = 60,
                .begin = ln_now(),
                .quiet = ln_cli_flag(cli, "quiet"),
                .colour = ln_is_terminal(stdout)};
    if (!ln_cli_int(cli, "threads", 1, 1024, &threads))
        return LN_EXIT_BAD;
    r.options.hash = ln_cli_flag(cli, "hash");
    r.options.save = ln_cli_flag(cli, "save");
    r.options.session.threads = (int32_t)threads;
    r.options.session.disable_passes = ln_cli_text(cli, "disable-passes", NULL);
    if (!ln_cli_int(cli, "jobs", 1, MAX_JOBS, &jobs) || !ln_cli_double(cli, "limit", 0.001, 86400, &r.limit))
        return LN_EXIT_BAD;
    for (int i = 0; i < cli->n_args; i++)
        if (!ln_tests_find(&tests, cli->args[i]))
            return LN_EXIT_BAD;
    int kept = 0;
    for (int i = 0; i < tests.n; i++)
        if (wanted(cli, &tests.items[i]))
            tests.items[kept++] = tests.items[i];
    tests.n = kept;
    if (!kept)
        return ln_bad("%s: no tests found%s", cli->args[0], ln_cli_flag(cli, "only") ? " that --only names" : "");
    r.n_jobs = (int)jobs;
    r.jobs = ln_arena_zalloc(arena, (size_t)jobs * sizeof *r.jobs, 64);
    if (!r.jobs)
        return ln_bad("out of memory");
    return run_all(&r) ? report(cli, &r) : LN_EXIT_BAD;
}

static int run(const ln_cli *cli)
{
    ln_memory memory;
    ln_arena arena;
    ln_memory_init(&memory, NULL, 0);
    ln_arena_init(&arena, &memory);
    int code = conform(cli, &arena);
    ln_arena_free(&arena);
    return code;
}

static const ln_option options[] = {
    {"only", 'o', true, "GLOB", "only tests whose name matches, e.g. 'test_conv*' or 'node/*'"},
    {"jobs", 'j', false, "N", "tests to run at a time (1)"},
    {"limit", 0, false, "S", "seconds after which a test counts as hung (60)"},
    LN_SESSION_THREADS,
    LN_SESSION_PASSES,
    {"hash", 0, false, NULL, "print a hash of the outputs of every test that passed"},
    {"save", 0, false, NULL, "write outputs as result_N.pb beside the expected ones, which may then be absent"},
    {"quiet", 'q', false, NULL, "print only the tests that did not pass"},
    {"json", 0, false, "FILE", "write the results as JSON"},
    {"junit", 0, false, "FILE", "write the results as JUnit XML"},
    {"expect", 0, false, "FILE", "compare with the expected verdicts; differences make the exit code 1"},
    {0},
};

const ln_command ln_cmd_conformance = {
    .name = "conformance",
    .usage = "DIR... [options]",
    .what = "Run the ONNX backend tests below a folder.",
    .more =
        "A line per test: pass, fail, unsupported or skip, its name, the reason. Values are compared as by "
        "numpy.allclose\n"
        "with rtol 1e-3 and atol 1e-7 (or what the test says), NaN equal to NaN, type and shape exactly. "
        "`unsupported`\n"
        "is what the engine declares so. A file for --expect has lines like those of the output; what it does not\n"
        "name is expected to pass. The exit code is 1 when a test failed (with --expect: when a verdict differs).\n",
    .options = options,
    .min_args = 1,
    .max_args = 1 << 20,
    .run = run,
};
