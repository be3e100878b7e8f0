/* System calls that fail as a file says: LD_PRELOAD, with FAULTY_CALLS naming the file; see faulty_calls.py.

   The file is shared memory, so that faults begin and end while a process runs. Its form is `struct control`. */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <semaphore.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define KILL (-1)

struct control {
    double clock_seconds; /* the wall clock is so far off */
    int error;            /* what the calls fail with; KILL: the process ends by SIGKILL; 0: they don't fail */
    int skip;             /* so many of them still succeed */
    int count;            /* so many of them still fail after those */
    int seen;             /* calls that were looked at */
    int forks;            /* so many forks still fail */
    int torn;             /* a write that fails has written half of its bytes */
    char calls[128];      /* " write fsync ": which calls */
    char under[256];      /* "/run/a:/var/lib/a": in which folders */
};

static struct control *control;

__attribute__((constructor)) static void begin(void) {
    const char *path = getenv("FAULTY_CALLS");
    int descriptor = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
    if (descriptor < 0)
        return;
    void *shared = mmap(NULL, sizeof *control, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0);
    close(descriptor);
    if (shared != MAP_FAILED)
        control = shared;
}

static int is_under(const char *path) {
    const char *at = control->under;
    while (*at) {
        size_t length = strcspn(at, ":");
        if (!strncmp(path, at, length) && (path[length] == '/' || !path[length]))
            return 1;
        at += length + (at[length] == ':');
    }
    return 0;
}

static int fails(const char *call, const char *path) {
    char word[32];
    if (!control || !control->error || path[0] != '/')
        return 0;
    snprintf(word, sizeof word, " %s ", call);
    if (!strstr(control->calls, word) || !is_under(path))
        return 0;
    __atomic_fetch_add(&control->seen, 1, __ATOMIC_SEQ_CST);
    if (__atomic_fetch_sub(&control->skip, 1, __ATOMIC_SEQ_CST) > 0)
        return 0;
    if (__atomic_fetch_sub(&control->count, 1, __ATOMIC_SEQ_CST) <= 0)
        return 0;
    return 1;
}

static int failed(void) {
    if (control->error == KILL)
        kill(getpid(), SIGKILL);
    errno = control->error;
    return -1;
}

static const char *path_of(int descriptor, char *into) {
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
    ssize_t length = readlink(link, into, PATH_MAX - 1);
    into[length < 0 ? 0 : length] = 0;
    return into;
}

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))
#define ON_PATH(call, parameters, arguments, path)                                                                     \
    int call parameters { return fails(#call, path) ? failed() : REAL(call) arguments; }
#define ON_DESCRIPTOR(call, word, parameters, arguments)                                                               \
    int call parameters {                                                                                              \
        char path[PATH_MAX];                                                                                           \
        return control && control->error && fails(word, path_of(descriptor, path)) ? failed() : REAL(call) arguments;  \
    }

ON_PATH(rename, (const char *from, const char *to), (from, to), to)
ON_PATH(mkdir, (const char *path, mode_t mode), (path, mode), path)
ON_PATH(unlink, (const char *path), (path), path)
ON_PATH(chown, (const char *path, uid_t user, gid_t group), (path, user, group), path)
ON_DESCRIPTOR(fsync, "fsync", (int descriptor), (descriptor))
ON_DESCRIPTOR(fchmod, "fchmod", (int descriptor, mode_t mode), (descriptor, mode))
ON_DESCRIPTOR(fchown, "chown", (int descriptor, uid_t user, gid_t group), (descriptor, user, group))
ON_DESCRIPTOR(ftruncate64, "truncate", (int descriptor, off64_t length), (descriptor, length))
ON_DESCRIPTOR(futimens, "utime", (int descriptor, const struct timespec times[2]), (descriptor, times))

int utimensat(int folder, const char *path, const struct timespec times[2], int flags) {
    return path && fails("utime", path) ? failed() : REAL(utimensat)(folder, path, times, flags);
}

static int opens(const char *path, int flags) {
    if (flags & (O_DIRECTORY | O_PATH))
        return 0;
    return fails(flags & (O_WRONLY | O_RDWR | O_CREAT) ? "open" : "read", path);
}

int openat64(int folder, const char *path, int flags, ...) {
    char whole[2 * PATH_MAX];
    va_list more;
    va_start(more, flags);
    mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(more, mode_t) : 0;
    va_end(more);
    if (control && control->error && path[0] != '/' && folder != AT_FDCWD) {
        path_of(folder, whole);
        strcat(strcat(whole, "/"), path);
        if (opens(whole, flags))
            return failed();
    }
    return REAL(openat64)(folder, path, flags, mode);
}

int open64(const char *path, int flags, ...) {
    va_list more;
    va_start(more, flags);
    mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(more, mode_t) : 0;
    va_end(more);
    return opens(path, flags) ? failed() : REAL(open64)(path, flags, mode);
}

ssize_t write(int descriptor, const void *bytes, size_t length) {
    char path[PATH_MAX];
    if (!control || !control->error || !fails("write", path_of(descriptor, path)))
        return REAL(write)(descriptor, bytes, length);
    if (control->torn)
        REAL(write)(descriptor, bytes, length / 2);
    return failed();
}

ssize_t pwrite64(int descriptor, const void *bytes, size_t length, off64_t at) {
    char path[PATH_MAX];
    if (!control || !control->error || !fails("write", path_of(descriptor, path)))
        return REAL(pwrite64)(descriptor, bytes, length, at);
    return failed();
}

pid_t fork(void) {
    if (control && control->forks > 0 && __atomic_fetch_sub(&control->forks, 1, __ATOMIC_SEQ_CST) > 0) {
        errno = EAGAIN;
        return -1;
    }
    return REAL(fork)();
}

int clock_gettime(clockid_t clock, struct timespec *now) {
    int done = REAL(clock_gettime)(clock, now);
    if (!done && control && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE))
        now->tv_sec += (time_t)control->clock_seconds;
    return done;
}

time_t time(time_t *into) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (into)
        *into = now.tv_sec;
    return now.tv_sec;
}

/* As where the C library lacks it (musl, glibc before 2.30), and for Python before 3.11: waits go by the wall clock. */
int sem_clockwait(sem_t *semaphore, clockid_t clock, const struct timespec *until) {
    struct timespec now, wall;
    if (!control)
        return REAL(sem_clockwait)(semaphore, clock, until);
    REAL(clock_gettime)(clock, &now);
    clock_gettime(CLOCK_REALTIME, &wall);
    double end = (until->tv_sec - now.tv_sec) + (until->tv_nsec - now.tv_nsec) / 1e9 + wall.tv_sec + wall.tv_nsec / 1e9;
    while (sem_trywait(semaphore)) {
        clock_gettime(CLOCK_REALTIME, &wall);
        if (wall.tv_sec + wall.tv_nsec / 1e9 >= end) {
            errno = ETIMEDOUT;
            return -1;
        }
        usleep(1000);
    }
    return 0;
}
