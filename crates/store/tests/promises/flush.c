/* Counts flushes, and makes them fail when told so: for LD_PRELOAD.
 *
 * FLUSH_COUNT names a file of eight bytes, in which successful flushes are counted.
 * FLUSH_FAIL names a file: as long as it exists, every flush of a file or folder whose path
 * ends with the text in it fails with EIO. An empty text is the end of every path.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static int fails(int descriptor)
{
    const char *name = getenv("FLUSH_FAIL");
    int file = name ? open(name, O_RDONLY) : -1;
    if (file < 0)
        return 0;
    char end[PATH_MAX], link[64], path[PATH_MAX];
    ssize_t wanted = read(file, end, sizeof end);
    close(file);
    snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
    ssize_t length = readlink(link, path, sizeof path);
    return wanted >= 0 && length >= wanted && memcmp(path + length - wanted, end, wanted) == 0;
}

static int flush(const char *name, int descriptor)
{
    static uint64_t *count;
    if (fails(descriptor)) {
        errno = EIO;
        return -1;
    }
    int (*real)(int) = (int (*)(int)) dlsym(RTLD_NEXT, name);
    int result = real(descriptor);
    const char *path = getenv("FLUSH_COUNT");
    if (!count && path) {
        int file = open(path, O_RDWR);
        void *mapped = mmap(NULL, sizeof *count, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
        if (mapped != MAP_FAILED)
            count = mapped;
    }
    if (result == 0 && count)
        __atomic_fetch_add(count, 1, __ATOMIC_SEQ_CST);
    return result;
}

int fsync(int descriptor) { return flush("fsync", descriptor); }
int fdatasync(int descriptor) { return flush("fdatasync", descriptor); }
