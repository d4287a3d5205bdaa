#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A disk whose syncs wait while the file "$FAULTY_DISK.hold" exists, and fail while "$FAULTY_DISK.fail" does. */

static int there(const char *ending) {
  char path[4096];
  const char *start = getenv("FAULTY_DISK");
  if (!start || strlen(start) + strlen(ending) >= sizeof path) return 0;
  strcpy(path, start);
  strcat(path, ending);
  return access(path, F_OK) == 0;
}

int fdatasync(int file) {
  int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, "fdatasync");
  while (there(".hold")) usleep(1000);
  if (there(".fail")) {
    errno = EIO;
    return -1;
  }
  return real(file);
}
