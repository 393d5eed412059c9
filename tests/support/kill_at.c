// kill_at.so (LD_PRELOAD): ends the process with SIGKILL at the n-th call that changes what is on the
// disk, as a power failure would, so that a test can crash hubseald at every step of a request.
//   KILL_AT_FILE   holds "<n> before" or "<n> after"; counting starts when the file appears. While it
//                  is not there every call passes at the price of one access().
// Calls are counted across threads. With n = 0 nothing is killed. The file "<KILL_AT_FILE>.fired" is
// made just before the process ends, so that a test can tell that the step was reached.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

static atomic_long calls;

// Only what goes to files counts: sockets and the log on stderr change nothing on the disk.
static int is_file(int fd) {
  char link[64];
  char target[256];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  const ssize_t size = readlink(link, target, sizeof target - 1);
  return fd > STDERR_FILENO && size > 0 && target[0] == '/' && strncmp(target, "/dev/", 5) != 0;
}

static void die(const char* armed) {
  char fired[512];
  snprintf(fired, sizeof fired, "%s.fired", armed);
  syscall(SYS_close, syscall(SYS_openat, AT_FDCWD, fired, O_CREAT | O_WRONLY, 0600));
  syscall(SYS_kill, getpid(), SIGKILL);
  for (;;) pause();  // the signal is on its way to every thread
}

// What to do about this call: 0 nothing, 1 end before it, 2 end after it.
static int verdict(void) {
  const char* armed = getenv("KILL_AT_FILE");
  if (!armed) return 0;
  char order[32] = "";
  const int fd = (int)syscall(SYS_openat, AT_FDCWD, armed, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return 0;
  const long got = syscall(SYS_read, fd, order, sizeof order - 1);
  syscall(SYS_close, fd);
  if (got <= 0) return 0;
  long wanted = 0;
  char when[8] = "";
  if (sscanf(order, "%ld %7s", &wanted, when) != 2) return 0;
  if (atomic_fetch_add(&calls, 1) + 1 != wanted) return 0;
  return strcmp(when, "after") == 0 ? 2 : 1;
}

#define STEP(counts, real_call)                     \
  const int order = (counts) ? verdict() : 0;       \
  if (order == 1) die(getenv("KILL_AT_FILE"));      \
  const __typeof__(real_call) result = (real_call); \
  if (order == 2) die(getenv("KILL_AT_FILE"));      \
  return result

#define REAL(name) (__extension__(__typeof__(&name)) dlsym(RTLD_NEXT, #name))

ssize_t write(int fd, const void* data, size_t size) { STEP(is_file(fd), REAL(write)(fd, data, size)); }
ssize_t pwrite(int fd, const void* data, size_t size, off_t at) { STEP(is_file(fd), REAL(pwrite)(fd, data, size, at)); }
ssize_t pwrite64(int fd, const void* data, size_t size, off64_t at) {
  STEP(is_file(fd), REAL(pwrite64)(fd, data, size, at));
}
int fsync(int fd) { STEP(1, REAL(fsync)(fd)); }
int fdatasync(int fd) { STEP(1, REAL(fdatasync)(fd)); }
int ftruncate(int fd, off_t size) { STEP(1, REAL(ftruncate)(fd, size)); }
int ftruncate64(int fd, off64_t size) { STEP(1, REAL(ftruncate64)(fd, size)); }
int rename(const char* from, const char* to) { STEP(1, REAL(rename)(from, to)); }
int renameat2(int from_folder, const char* from, int to_folder, const char* to, unsigned flags) {
  STEP(1, REAL(renameat2)(from_folder, from, to_folder, to, flags));
}
int unlink(const char* path) { STEP(1, REAL(unlink)(path)); }
int link(const char* from, const char* to) { STEP(1, REAL(link)(from, to)); }
int mkdir(const char* path, mode_t mode) { STEP(1, REAL(mkdir)(path, mode)); }

// Opening a file changes the disk where it makes the file; hubseald opens none to empty it.
static int makes(int folder, const char* path, int flags) {
  return (flags & O_CREAT) && faccessat(folder, path, F_OK, AT_SYMLINK_NOFOLLOW) != 0;
}

#define WITH_MODE(call)                                                         \
  va_list more;                                                                 \
  va_start(more, flags);                                                        \
  const mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(more, mode_t) : 0; \
  va_end(more);                                                                 \
  STEP(makes(folder, path, flags), call)

int open(const char* path, int flags, ...) {
  const int folder = AT_FDCWD;
  WITH_MODE(REAL(open)(path, flags, mode));
}
int open64(const char* path, int flags, ...) {
  const int folder = AT_FDCWD;
  WITH_MODE(REAL(open64)(path, flags, mode));
}
int openat(int folder, const char* path, int flags, ...) { WITH_MODE(REAL(openat)(folder, path, flags, mode)); }
int openat64(int folder, const char* path, int flags, ...) { WITH_MODE(REAL(openat64)(folder, path, flags, mode)); }
