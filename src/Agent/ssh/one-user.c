/*
 * What sshd asks of the system about users, answered for a session: there is one, the user that sshd itself runs as,
 * whatever name the client gives. Linked in front of the C library's own answers, for three reasons:
 *
 * - A session's user need not be in the image's /etc/passwd, and the image's name services need not fit this C library.
 * - What a login starts with is the session's own (the variables HOME and SHELL of sshd), not what /etc/passwd says.
 * - sshd as root locks itself into an empty folder, which root of a session may not do. It needs not either: it logs in as
 *   itself. So root looks like anybody else here. No rights come of that: the kernel is not asked, nor told.
 */
#define _GNU_SOURCE
#include <grp.h>
#include <pwd.h>
#include <shadow.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { ROOT_SHOWN_AS = 65534 };

static char name[256] = "session";

uid_t getuid(void) {
  uid_t uid = (uid_t)syscall(SYS_getuid);
  return uid == 0 ? ROOT_SHOWN_AS : uid;
}

uid_t geteuid(void) {
  return getuid();
}

static struct passwd *user(void) {
  static struct passwd entry;
  entry.pw_name = name;
  entry.pw_passwd = "x";
  entry.pw_uid = getuid();
  entry.pw_gid = getgid();
  entry.pw_gecos = "";
  entry.pw_dir = getenv("HOME");
  entry.pw_shell = getenv("SHELL");
  return &entry;
}

struct passwd *getpwnam(const char *asked) {
  if (strlen(asked) >= sizeof name)
    return NULL;
  if (asked != name)
    strcpy(name, asked);
  return user();
}

struct passwd *getpwuid(uid_t uid) {
  return uid == getuid() ? user() : NULL;
}

struct spwd *getspnam(const char *asked) {
  (void)asked;
  return NULL;
}

struct group *getgrnam(const char *asked) {
  (void)asked;
  return NULL;
}

struct group *getgrgid(gid_t gid) {
  (void)gid;
  return NULL;
}

/* Of a new terminal, which is the user's already. */
int chown(const char *path, uid_t uid, gid_t gid) {
  (void)path, (void)uid, (void)gid;
  return 0;
}

/* Containers have no contexts to change to. */
int is_selinux_enabled(void) {
  return 0;
}
