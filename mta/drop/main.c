/*
 * main.c - waybill-drop: puts one message into the drop folder.
 *
 *	waybill-drop <MESSAGE
 *
 * Set-gid to the folder's group, and run by anybody: so it is small, heeds no
 * environment, and parses nothing but the server's settings.  It counts what
 * the user has in the folder, makes a file there whose name nobody can guess,
 * gives the group up, and only then reads what it is to write.  Status 0: the
 * message is on disk, and its name too; EX_TEMPFAIL and others: it is not.
 *
 * An intruder would gain the right to make files in the folder, and to see the
 * names of others there; not to read or remove them (drop.h).
 */
#include "config.h"

#include <sys/random.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "mta/drop/drop.h"

#define RESERVE		(16u << 20)	/* octets that the folder's disk keeps free */
#define CHECK_EACH	(1u << 20)	/* octets written between two looks at it */
#define PIECE		65536

static void __attribute__((noreturn, format(printf, 2, 3)))
fails(int status, const char *fmt, ...)
{
	va_list	ap;

	fputs("waybill-drop: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	exit(status);
}

static void __attribute__((noreturn))
fails_by_errno(const char *what)
{
	int	status = errno == EACCES || errno == EPERM ? EX_NOPERM :
		    errno == ENOENT ? EX_UNAVAILABLE : EX_TEMPFAIL;

	fails(status, "%s: %s", what, strerror(errno));
}

/* Descriptors 0 to 2 are open, and no others; signals do what they do. */
static void
clean_start(void)
{
	struct stat	st;
	int		fd;

	for (fd = 0; fd <= 2; fd++)
		if (fstat(fd, &st) == -1 &&
		    open("/dev/null", O_RDWR | O_NOCTTY) != fd)
			exit(EX_OSERR);
	(void)close_range(3, ~0U, 0);
	(void)umask(077);
	(void)signal(SIGPIPE, SIG_IGN);
	(void)signal(SIGXFSZ, SIG_IGN);
}

static int
open_folder(const char *spool)
{
	int	at, fd;

	at = open(spool, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (at == -1)
		fails_by_errno(spool);
	fd = openat(at, DROP_FOLDER, O_RDONLY | O_DIRECTORY | O_NOFOLLOW |
	    O_CLOEXEC);
	if (fd == -1)
		fails_by_errno("drop folder");
	close(at);
	return fd;
}

/* Others need some of the disk too. */
static bool
is_full(int fd)
{
	struct statvfs	 vfs;

	return fstatvfs(fd, &vfs) == 0 &&
	    (uint64_t)vfs.f_bavail * vfs.f_frsize < RESERVE;
}

/* What the user has there already; two at once may both find room. */
static void
check_room(int folder, const struct drop_settings *s)
{
	uint64_t	 files = 0, octets = 0;
	struct dirent	*e;
	struct stat	 st;
	DIR		*d;
	int		 copy;

	if (is_full(folder))
		fails(EX_TEMPFAIL, "no space for mail");
	copy = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (copy == -1 || (d = fdopendir(copy)) == NULL)
		fails_by_errno("drop folder");
	while ((e = readdir(d)) != NULL)
		if (e->d_name[0] != '.' &&
		    fstatat(folder, e->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
		    st.st_uid == getuid()) {
			files++;
			octets += (uint64_t)st.st_size;
		}
	closedir(d);
	if (files >= s->files_max || octets >= s->octets_max)
		fails(EX_TEMPFAIL, "%llu messages of yours wait for the "
		    "server, which cannot be reached; no more are taken",
		    (unsigned long long)files);
}

static int
make_file(int folder)
{
	unsigned char	 r[16];
	char		 name[2 * sizeof(r) + 1];
	size_t		 i;
	int		 fd;

	if (getrandom(r, sizeof(r), 0) != (ssize_t)sizeof(r))
		fails_by_errno("random octets");
	for (i = 0; i < sizeof(r); i++)
		(void)snprintf(name + 2 * i, 3, "%02x", r[i]);
	fd = openat(folder, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW |
	    O_CLOEXEC, DROP_PART_MODE);
	if (fd == -1)
		fails_by_errno("drop folder");
	return fd;
}

/* For good: what follows reads what the user says. */
static void
give_up_group(void)
{
	gid_t	gid = getgid();

	if (setresgid(gid, gid, gid) == -1)
		fails_by_errno("setresgid");
}

/* An empty file is nobody's mail: pickup removes it. */
static void __attribute__((noreturn))
fails_halfway(int fd, const char *what)
{
	int	saved = errno;

	if (ftruncate(fd, 0) == -1)
		saved = errno;
	errno = saved;
	fails_by_errno(what);
}

static void
write_all(int fd, const char *p, size_t n)
{
	ssize_t	w;

	for (; n > 0; p += w, n -= (size_t)w)
		if ((w = write(fd, p, n)) == -1) {
			if (errno != EINTR)
				fails_halfway(fd, "drop folder");
			w = 0;
		}
}

static void
copy(int fd, uint64_t most)
{
	static char	piece[PIECE];
	uint64_t	total = 0, checked = 0;
	ssize_t		n;

	while ((n = read(STDIN_FILENO, piece, sizeof(piece))) != 0) {
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			fails_halfway(fd, "input");
		total += (uint64_t)n;
		if (total > most) {
			errno = EFBIG;
			fails_halfway(fd, "message");
		}
		write_all(fd, piece, (size_t)n);
		/* Many at once have all found room before. */
		if (total - checked >= CHECK_EACH && is_full(fd)) {
			errno = ENOSPC;
			fails_halfway(fd, "drop folder");
		}
		if (total - checked >= CHECK_EACH)
			checked = total;
	}
}

int
main(int argc, char **argv)
{
	const char		*spool = drop_spool();
	struct drop_settings	 s;
	int			 folder, fd;

	(void)argv;
	clean_start();
	if (argc != 1)
		fails(EX_USAGE, "takes no arguments; it is started by "
		    "sendmail(8), not by hand");
	drop_settings_read(spool, &s);
	if (s.none)
		fails(EX_UNAVAILABLE, "this server takes no mail from "
		    "programs (listen programs none)");
	folder = open_folder(spool);
	check_room(folder, &s);
	fd = make_file(folder);
	give_up_group();
	copy(fd, s.message_max + DROP_HEAD_MAX);
	if (fsync(fd) == -1 || fchmod(fd, DROP_WHOLE_MODE) == -1 ||
	    fsync(fd) == -1 || fsync(folder) == -1)
		fails_halfway(fd, "drop folder");
	return EX_OK;
}
