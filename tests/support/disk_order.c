// disk_order.so (LD_PRELOAD): writes down, in order, what a process does to its files and what it says on its
// sockets, so that a test can tell whether what was answered, or took another file's place, was on the disk by then. A
// process that is killed does not show it: what it wrote is in the kernel's cache.
//   DISK_ORDER_FILE  gets a line each: "write <thread> <path>", and likewise "sync", "rename" and, without a path,
//   "send"
// What changes a file is written down before it is done, a sync once it is done.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

static void note(const char* what, const char* path) {
  const char* file = getenv("DISK_ORDER_FILE");
  if (!file) return;
  char line[4096];
  const int size = snprintf(line, sizeof line, "%s %ld %s\n", what, syscall(SYS_gettid), path);
  const int fd = (int)syscall(SYS_openat, AT_FDCWD, file, O_CREAT | O_WRONLY | O_APPEND | O_CLOEXEC, 0600);
  syscall(SYS_write, fd, line, size);
  syscall(SYS_close, fd);
}

static void note_fd(const char* what, int fd) {
  char link[64];
  char target[2048];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  const ssize_t size = readlink(link, target, sizeof target - 1);
  if (size <= 0 || target[0] != '/') return;
  target[size] = '\0';
  note(what, target);
}

#define REAL(name) (__extension__(__typeof__(&name)) dlsym(RTLD_NEXT, #name))

ssize_t write(int fd, const void* data, size_t size) {
  note_fd("write", fd);
  return REAL(write)(fd, data, size);
}
ssize_t pwrite(int fd, const void* data, size_t size, off_t at) {
  note_fd("write", fd);
  return REAL(pwrite)(fd, data, size, at);
}
ssize_t pwrite64(int fd, const void* data, size_t size, off64_t at) {
  note_fd("write", fd);
  return REAL(pwrite64)(fd, data, size, at);
}
int fsync(int fd) {
  const int result = REAL(fsync)(fd);
  if (result == 0) note_fd("sync", fd);
  return result;
}
int fdatasync(int fd) {
  const int result = REAL(fdatasync)(fd);
  if (result == 0) note_fd("sync", fd);
  return result;
}
int rename(const char* from, const char* to) {
  note("rename", from);
  return REAL(rename)(from, to);
}
int renameat2(int from_folder, const char* from, int to_folder, const char* to, unsigned flags) {
  note("rename", from);  // hubseald's paths are absolute
  return REAL(renameat2)(from_folder, from, to_folder, to, flags);
}
ssize_t send(int fd, const void* data, size_t size, int flags) {
  note("send", "");
  return REAL(send)(fd, data, size, flags);
}
