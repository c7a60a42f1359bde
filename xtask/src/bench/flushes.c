/* Counts the flushes of a process and its children, by preloading: fsync, fdatasync,
 * sync_file_range and msync each add one to the number that the file $FLUSH_COUNT holds.
 * With $FLUSH_DELAY_US every flush takes so much longer, as on a slower disk. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

static uint64_t *count;
static long delay;
static int (*next_fsync)(int);
static int (*next_fdatasync)(int);

__attribute__((constructor)) static void start(void) {
    next_fsync = (int (*)(int))dlsym(RTLD_NEXT, "fsync");
    next_fdatasync = (int (*)(int))dlsym(RTLD_NEXT, "fdatasync");
    const char *name = getenv("FLUSH_COUNT");
    const char *us = getenv("FLUSH_DELAY_US");
    delay = us ? atol(us) : 0;
    if (!name) return;
    int file = open(name, O_RDWR | O_CLOEXEC);
    if (file < 0) return;
    void *page = mmap(0, sizeof(uint64_t), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    if (page != MAP_FAILED) count = page;
    close(file);
}

static void flushed(void) {
    if (count) __atomic_add_fetch(count, 1, __ATOMIC_RELAXED);
    if (delay) usleep(delay);
}

int fsync(int file) {
    flushed();
    return next_fsync(file);
}

int fdatasync(int file) {
    flushed();
    return next_fdatasync(file);
}
