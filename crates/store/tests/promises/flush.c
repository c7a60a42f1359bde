/* Counts flushes, and makes them fail when told so: for LD_PRELOAD.
 *
 * FLUSH_COUNT names a file of eight bytes, in which successful flushes are counted.
 * FLUSH_FAIL names a file: as long as it exists, every flush fails with EIO.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

static int flush(const char *name, int descriptor)
{
    static uint64_t *count;
    const char *fail = getenv("FLUSH_FAIL");
    if (fail && access(fail, F_OK) == 0) {
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
