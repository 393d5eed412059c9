// read_only.so (LD_PRELOAD): a disk that turns read-only under a running process, as a kernel does with one that
// fails: files that are open for writing stay open, and nothing can be written to them. Remounting would want root, and
// that nobody has a file open.
//   READ_ONLY_BELOW  nothing whose path begins so can be changed
//   READ_ONLY_WHILE  as long as this file is there
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

static int refused(const char* path) {
  const char* below = getenv("READ_ONLY_BELOW");
  const char* file = getenv("READ_ONLY_WHILE");
  return below && file && strncmp(path, below, strlen(below)) == 0 && access(file, F_OK) == 0;
}

static int refused_fd(int fd) {
  char link[64];
  char target[2048];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  const ssize_t size = readlink(link, target, sizeof target - 1);
  if (size <= 0) return 0;
  target[size] = '\0';
  return refused(target);
}

#define REAL(name) (__extension__(__typeof__(&name)) dlsym(RTLD_NEXT, #name))

#define UNLESS(is_refused, call) \
  if (is_refused) {              \
    errno = EROFS;               \
    return -1;                   \
  }                              \
  return call

ssize_t write(int fd, const void* data, size_t size) { UNLESS(refused_fd(fd), REAL(write)(fd, data, size)); }
ssize_t pwrite(int fd, const void* data, size_t size, off_t at) {
  UNLESS(refused_fd(fd), REAL(pwrite)(fd, data, size, at));
}
ssize_t pwrite64(int fd, const void* data, size_t size, off64_t at) {
  UNLESS(refused_fd(fd), REAL(pwrite64)(fd, data, size, at));
}
int ftruncate(int fd, off_t size) { UNLESS(refused_fd(fd), REAL(ftruncate)(fd, size)); }
int ftruncate64(int fd, off64_t size) { UNLESS(refused_fd(fd), REAL(ftruncate64)(fd, size)); }
int rename(const char* from, const char* to) { UNLESS(refused(to), REAL(rename)(from, to)); }
int renameat2(int from_folder, const char* from, int to_folder, const char* to, unsigned flags) {
  UNLESS(refused(to), REAL(renameat2)(from_folder, from, to_folder, to, flags));  // hubseald's paths are absolute
}
int unlink(const char* path) { UNLESS(refused(path), REAL(unlink)(path)); }
int mkdir(const char* path, mode_t mode) { UNLESS(refused(path), REAL(mkdir)(path, mode)); }
int mkostemp(char* path, int flags) { UNLESS(refused(path), REAL(mkostemp)(path, flags)); }
int mkostemp64(char* path, int flags) { UNLESS(refused(path), REAL(mkostemp64)(path, flags)); }

#define WITH_MODE(call)                                                         \
  va_list more;                                                                 \
  va_start(more, flags);                                                        \
  const mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(more, mode_t) : 0; \
  va_end(more);                                                                 \
  UNLESS((flags & (O_ACCMODE | O_CREAT | O_TRUNC)) && refused(path), call)

int open(const char* path, int flags, ...) { WITH_MODE(REAL(open)(path, flags, mode)); }
int open64(const char* path, int flags, ...) { WITH_MODE(REAL(open64)(path, flags, mode)); }
int openat(int folder, const char* path, int flags, ...) { WITH_MODE(REAL(openat)(folder, path, flags, mode)); }
int openat64(int folder, const char* path, int flags, ...) { WITH_MODE(REAL(openat64)(folder, path, flags, mode)); }
