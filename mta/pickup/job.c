/*
 * job.c - one file of the drop folder: read, handed to smtp, told of.
 *
 * Whoever may write to the folder may have put anything there, so nothing is
 * opened but a plain file with one name, and nothing in it is believed but
 * that its owner wants it sent.  It is removed after 250.  What is refused
 * goes back to its sender; who has none, or cannot be told, leaves it under
 * another name to the administrator.
 *
 * Two steps on a thread (reading, talking), and between them the loop, which
 * alone may write to channels.
 */
#include "config.h"

#include <sys/socket.h>
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fileio.h"
#include "base/log.h"
#include "base/xalloc.h"
#include "mail/dsn.h"
#include "mail/header.h"
#include "mta/pickup/pickup.h"
#include "mta/submit/submit.h"

#define WAITS_MS	(INT64_C(5) * 86400 * 1000)	/* 4xx: then it is given up */
#define LAST_TRIES	5	/* at least, since we run: the server may just be back */

enum finding {
	FILE_WHOLE,
	FILE_NOT_YET,		/* it is being written, or cannot be read just now */
	FILE_ABANDONED,		/* never made whole */
	FILE_BAD		/* nothing that our program makes */
};

struct job {
	struct pickup		*pickup;
	struct entry		*entry;
	int			 drop_fd;
	uint64_t		 octets_max;
	/* read */
	enum finding		 finding;
	const char		*why;
	uint32_t		 uid;
	int64_t			 written_ms;	/* wall */
	char			 login[LOGIN_MAX];
	struct buf		 octets;
	struct arena		 arena;
	struct drop		 mail;
	/* talked */
	int			 fd;
	struct submit		 submit;
	enum submit_result	 result;
	/* a notification of what was refused */
	bool			 telling;
	struct buf		 notice;
	struct drop		 notice_mail;
	struct span		 notice_rcpt;
	struct submit		 told;
};

static void	talk(struct job *);

static void
job_end(struct job *j, bool gone)
{
	struct pickup	*p = j->pickup;

	scan_over(j->entry, gone);
	submit_clear(&j->submit);
	submit_clear(&j->told);
	buf_clear(&j->octets);
	buf_clear(&j->notice);
	arena_clear(&j->arena);
	free(j);
	pickup_left(p);
}

/* --- its end */

static void
remove_file(struct job *j)
{
	if (unlinkat(j->drop_fd, j->entry->name, 0) == 0 || errno == ENOENT)
		return;
	if (errno != EISDIR ||
	    unlinkat(j->drop_fd, j->entry->name, AT_REMOVEDIR) == -1)
		log_warn("drop folder file=%s",
		    log_quote(span_of(j->entry->name)));
}

static void
keep_file(struct job *j, const char *why)
{
	char	name[256];

	(void)snprintf(name, sizeof(name), KEPT_PREFIX "%s", j->entry->name);
	if (renameat(j->drop_fd, j->entry->name, j->drop_fd, name) == -1)
		log_warn("drop folder file=%s", j->entry->name);
	log_warnx("event=drop-kept file=%s uid=%u why=%s", name,
	    (unsigned)j->uid, log_quote(span_of(why)));
	job_end(j, true);
}

static void
put_off(struct job *j, struct span why)
{
	j->pickup->count.put_off++;
	log_info("event=drop-waits file=%s uid=%u tries=%u why=%s",
	    j->entry->name, (unsigned)j->uid, j->entry->tries + 1,
	    log_quote(why));
	job_end(j, false);
}

/* --- what was refused goes back */

static void
add_failed(const struct job *j, const struct submit_refusal *r,
    struct span rcpt, struct dsn_rcpt *out)
{
	struct span	status = span_from(r->reply, 4);
	ptrdiff_t	blank = span_index(status, ' ');

	if (blank > 0)
		status.n = (size_t)blank;
	if (status.n < 5 || status.p[1] != '.')
		status = SPAN("5.0.0");
	if (status.p[0] == '4')
		status = SPAN("4.4.7");		/* it has waited too long */
	*out = (struct dsn_rcpt){ .address = rcpt, .action = DSN_FAILED,
	    .status = status, .reply = r->reply,
	    .why = SPAN("The mail server has refused it."),
	    .last_attempt_ms = clock_wall_ms() };
	(void)j;
}

static void
compose_notice(struct job *j)
{
	struct submit	*s = &j->submit;
	size_t		 i, n = 0, room = s->nrefused + j->mail.nrcpts;
	struct dsn_rcpt	*v = xcalloc(room, sizeof(*v));
	struct dsn	 d = {
		.reporting_mta = s->hostname, .id = span_of(j->entry->name),
		.envid = j->mail.envid, .sender = s->sender,
		.arrival_ms = j->written_ms, .now_ms = clock_wall_ms(),
		.rcpts = v, .full = true, .original = j->mail.content,
	};
	size_t		 k;

	for (i = 0; i < s->nrefused; i++) {
		if (s->refused[i].rcpt.n > 0) {
			add_failed(j, &s->refused[i], s->refused[i].rcpt,
			    &v[n++]);
			continue;
		}
		for (k = s->done; k < j->mail.nrcpts && n < room; k++)
			add_failed(j, &s->refused[i], submit_qualify(
			    j->mail.rcpts[k], s->domain, &j->arena), &v[n++]);
	}
	d.n = n;
	dsn_compose(&d, &j->notice);
	free(v);
}

static void
tell_sender(struct job *j)
{
	struct submit	*s = &j->submit;

	j->pickup->count.refused++;
	log_info("event=drop-refused file=%s uid=%u from=%s reply=%s",
	    j->entry->name, (unsigned)j->uid, log_quote(s->sender),
	    log_quote(s->refused[0].reply));
	if (s->sender.n == 0) {
		keep_file(j, "it was refused, and has no sender");
		return;
	}
	if (s->hostname.n == 0) {	/* refused in the greeting */
		keep_file(j, "the server refuses programs");
		return;
	}
	compose_notice(j);
	j->notice_rcpt = s->sender;
	j->notice_mail = (struct drop){ .has_sender = true,
	    .rcpts = &j->notice_rcpt, .nrcpts = 1,
	    .eightbit = !span_is_ascii(buf_span(&j->notice)),
	    .content = buf_span(&j->notice) };
	j->telling = true;
	talk(j);
}

static void
notice_over(struct job *j)
{
	if (j->result == SUBMIT_TAKEN) {
		remove_file(j);
		job_end(j, true);
	} else if (j->result == SUBMIT_LATER &&
	    j->submit.nrefused < j->mail.nrcpts &&
	    j->submit.refused[0].rcpt.n > 0)
		/* Others have got it: it may not be sent again. */
		keep_file(j, "recipients were refused, and the sender cannot "
		    "be told");
	else if (j->result == SUBMIT_LATER)
		put_off(j, j->told.why);
	else
		keep_file(j, "it was refused, and its sender too");
}

/* --- talking */

static void
talk_work(void *arg)
{
	struct job	*j = arg;

	j->result = submit(j->telling ? &j->told : &j->submit, j->fd);
	close(j->fd);
}

static void
talked(void *arg)
{
	struct job	*j = arg;

	if (!j->telling)
		j->entry->done = j->submit.done;
	if (j->telling)
		notice_over(j);
	else if (j->result == SUBMIT_LATER)
		put_off(j, j->submit.why);
	else if (j->submit.nrefused > 0)
		tell_sender(j);
	else {
		j->pickup->count.picked_up++;
		log_info("event=picked-up file=%s uid=%u", j->entry->name,
		    (unsigned)j->uid);
		remove_file(j);
		job_end(j, true);
	}
}

static void
talk(struct job *j)
{
	struct submit	*s = j->telling ? &j->told : &j->submit;
	int		 fds[2];

	s->mail = j->telling ? &j->notice_mail : &j->mail;
	s->login = span_of(j->login);
	s->impatient = j->entry->tries >= LAST_TRIES &&
	    j->written_ms + WAITS_MS < clock_wall_ms();
	s->done = j->telling ? 0 : j->entry->done;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) == -1) {
		put_off(j, span_of(strerror(errno)));
		return;
	}
	if (!door_hand_on(j->pickup, fds[1], j->uid, j->login)) {
		close(fds[0]);
		put_off(j, SPAN("smtp is not there"));
		return;
	}
	j->fd = fds[0];
	pool_run(j->pickup->talkers, talk_work, talked, j);
}

/* --- reading */

/* Whose it is, and whether he has done with it. */
static void
look_at_mode(struct job *j, const struct stat *st)
{
	j->uid = st->st_uid;
	j->written_ms = (int64_t)st->st_mtime * 1000;
	if ((st->st_mode & 07777) == DROP_WHOLE_MODE)
		j->finding = FILE_WHOLE;
	else
		j->finding = j->written_ms + PART_OLD_S * INT64_C(1000) <
		    clock_wall_ms() ? FILE_ABANDONED : FILE_NOT_YET;
}

/* Never blocks: what is no plain file is not opened. */
static int
open_plain(struct job *j, struct stat *st)
{
	int	fd;

	if (fstatat(j->drop_fd, j->entry->name, st, AT_SYMLINK_NOFOLLOW) == -1)
		return -1;
	j->uid = st->st_uid;
	if (!S_ISREG(st->st_mode) || st->st_nlink != 1) {
		j->finding = FILE_BAD;
		j->why = S_ISREG(st->st_mode) ? "it has several names" :
		    "it is no plain file";
		return -1;
	}
	look_at_mode(j, st);
	if (j->finding != FILE_WHOLE)
		return -1;
	fd = openat(j->drop_fd, j->entry->name, O_RDONLY | O_NOFOLLOW |
	    O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd != -1 && fstat(fd, st) == 0 && S_ISREG(st->st_mode))
		return fd;
	if (fd != -1)
		close(fd);
	j->finding = FILE_NOT_YET;
	return -1;
}

static void
look_at(struct job *j, int fd, const struct stat *st)
{
	look_at_mode(j, st);
	if (j->finding != FILE_WHOLE)
		return;
	j->finding = FILE_BAD;
	j->why = "it is too large";
	if ((uint64_t)st->st_size > j->octets_max)
		return;
	if (file_read_fd(fd, (size_t)j->octets_max, &j->octets) == -1) {
		j->finding = errno == EFBIG ? FILE_BAD : FILE_NOT_YET;
		return;
	}
	if (drop_parse(buf_span(&j->octets), &j->arena, &j->mail, &j->why))
		j->finding = FILE_WHOLE;
}

static void
read_work(void *arg)
{
	struct job	*j = arg;
	struct stat	 st;
	int		 fd;

	j->finding = FILE_NOT_YET;
	if ((fd = open_plain(j, &st)) == -1)
		return;
	look_at(j, fd, &st);
	close(fd);
	if (j->finding == FILE_WHOLE)
		user_name(j->uid, j->login);
}

/* Nobody was told that it is kept, or it is not ours to send. */
static void
throw_away(struct job *j)
{
	if (j->finding == FILE_BAD)
		j->pickup->count.hostile++;
	log_warnx("event=drop-removed file=%s uid=%u why=%s",
	    log_quote(span_of(j->entry->name)), (unsigned)j->uid,
	    log_quote(span_of(j->finding == FILE_BAD ? j->why :
	    "nobody goes on writing it")));
	remove_file(j);
	job_end(j, false);
}

static void
been_read(void *arg)
{
	struct job	*j = arg;

	if (j->pickup->stopping || j->finding == FILE_NOT_YET)
		job_end(j, false);
	else if (j->finding == FILE_WHOLE)
		talk(j);
	else
		throw_away(j);
}

void
job_start(struct pickup *p, struct entry *e)
{
	struct job	*j = xcalloc(1, sizeof(*j));

	j->pickup = p;
	j->entry = e;
	j->drop_fd = p->drop_fd;
	j->octets_max = p->settings.message_max + DROP_HEAD_MAX;
	pool_run(p->talkers, read_work, been_read, j);
}
