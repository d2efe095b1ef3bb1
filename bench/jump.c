/* A machine's wall clock that can be moved for some processes: preloaded, it adds the seconds that stand in a mapped file to every answer.
   The steady clocks are left alone, as a jump leaves them; so are sleeps and timeouts, which Python counts by those. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static const volatile int64_t *moved_s;
static int (*asked)(clockid_t, struct timespec *);

__attribute__((constructor)) static void begin(void) {
    asked = dlsym(RTLD_NEXT, "clock_gettime");
    const char *path = getenv("SHOUWANG_MOVED_CLOCK");
    int file = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    if (file < 0) return;
    void *seen = mmap(NULL, sizeof *moved_s, PROT_READ, MAP_SHARED, file, 0);
    if (seen != MAP_FAILED) moved_s = seen;
    close(file);
}

int clock_gettime(clockid_t clock, struct timespec *at) {
    if (!asked) asked = dlsym(RTLD_NEXT, "clock_gettime"); /* another library's constructor asks before ours ran */
    int failed = asked(clock, at);
    if (!failed && moved_s && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) at->tv_sec += *moved_s;
    return failed;
}

int gettimeofday(struct timeval *at, void *zone) {
    (void)zone;
    struct timespec now;
    if (clock_gettime(CLOCK_REALTIME, &now)) return -1;
    at->tv_sec = now.tv_sec;
    at->tv_usec = now.tv_nsec / 1000;
    return 0;
}

time_t time(time_t *at) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (at) *at = now.tv_sec;
    return now.tv_sec;
}

int timespec_get(struct timespec *at, int base) {
    return base == TIME_UTC && !clock_gettime(CLOCK_REALTIME, at) ? base : 0;
}
