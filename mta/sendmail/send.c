/*
 * send.c - to the server, or into the drop folder.
 *
 * The server's answer is the program's: what it refuses is told at once, by
 * text and status, and nobody has got the message then.  Where it cannot be
 * asked, or wants to be asked later, the message waits in the drop folder, and
 * the program need not.
 */
#include "config.h"

#include <sys/prctl.h>
#include <sys/wait.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fileio.h"
#include "mail/dsn.h"
#include "mta/sendmail/sendmail.h"
#include "mta/submit/submit.h"

static const char *
called(const struct options *o)
{
	return o->tag != NULL ? o->tag : "sendmail";
}

static void
say(const struct options *o, struct span rcpt, struct span text)
{
	if (o->errors == ERRORS_QUIET)
		return;
	if (rcpt.n > 0)
		fprintf(stderr, "%s: %.*s: %.*s\n", called(o), SPAN_ARG(rcpt),
		    SPAN_ARG(text));
	else
		fprintf(stderr, "%s: %.*s\n", called(o), SPAN_ARG(text));
}

/* --- the drop folder */

#define DROP_PROGRAM	"waybill-drop"

bool
beside_us(const char *name, char *out, size_t room)
{
	ssize_t	 n = readlink("/proc/self/exe", out, room - 1);
	size_t	 k = strlen(name) + 1;
	char	*slash;

	out[n > 0 ? n : 0] = '\0';
	slash = strrchr(out, '/');
	if (slash == NULL || (size_t)(slash - out) + 1 + k > room)
		return false;
	memcpy(slash + 1, name, k);
	return access(out, X_OK) == 0;
}

static void
run_drop(int in)
{
	char	path[4096];

	/* In a build it is; else where it is installed. */
	if (!beside_us(DROP_PROGRAM, path, sizeof(path)))
		(void)snprintf(path, sizeof(path), "%s/" DROP_PROGRAM,
		    WAYBILL_LIBEXECDIR);
	if (dup2(in, STDIN_FILENO) == -1)
		_exit(EX_OSERR);
	(void)execl(path, DROP_PROGRAM, (char *)NULL);
	fprintf(stderr, "sendmail: %s: %s\n", path, strerror(errno));
	_exit(errno == ENOENT ? EX_UNAVAILABLE : EX_OSERR);
}

static int
feed(int fd, const struct drop *mail)
{
	struct buf	head = { 0 }, tail = { 0 };
	int		r;

	drop_head(mail, &head);
	drop_tail(mail, &tail);
	r = file_write_all(fd, buf_span(&head).p, head.n) == 0 &&
	    (mail->content.n == 0 ||
	    file_write_all(fd, mail->content.p, mail->content.n) == 0) &&
	    file_write_all(fd, buf_span(&tail).p, tail.n) == 0 ? 0 : -1;
	buf_clear(&head);
	buf_clear(&tail);
	return r;
}

static int
leave(const struct drop *mail)
{
	int	fds[2], status;
	pid_t	pid;

	if (pipe(fds) == -1)
		return EX_OSERR;
	if ((pid = fork()) == -1)
		return EX_OSERR;
	if (pid == 0) {
		close(fds[1]);
		run_drop(fds[0]);
	}
	close(fds[0]);
	(void)feed(fds[1], mail);	/* it says what is wrong by its status */
	close(fds[1]);
	while (waitpid(pid, &status, 0) == -1)
		if (errno != EINTR)
			return EX_OSERR;
	return WIFEXITED(status) ? WEXITSTATUS(status) : EX_SOFTWARE;
}

/* --- what was refused */

/* RFC 3463: of the status, where there is one. */
static int
status_of(const struct submit_refusal *r)
{
	struct span	status = span_from(r->reply, 4);

	if (span_prefix(status, SPAN("5.1.2")))
		return EX_NOHOST;
	if (span_prefix(status, SPAN("5.1.")))
		return EX_NOUSER;
	if (span_prefix(status, SPAN("5.7.")))
		return EX_NOPERM;
	if (span_prefix(status, SPAN("5.6.")) ||
	    span_prefix(status, SPAN("5.3.4")))
		return EX_DATAERR;
	return EX_UNAVAILABLE;
}

static struct span
status_text(struct span reply)
{
	struct span	s = span_from(reply, 4);
	ptrdiff_t	blank = span_index(s, ' ');

	if (blank >= 5 && s.p[1] == '.')
		return span_mem(s.p, (size_t)blank);
	return SPAN("5.0.0");
}

static void
compose_notice(const struct submit *s, const struct drop *mail,
    struct buf *out)
{
	struct dsn_rcpt	*v = calloc(mail->nrcpts, sizeof(*v));
	struct dsn	 d = {
		.reporting_mta = s->hostname, .sender = s->sender,
		.id = SPAN("not taken"), .envid = mail->envid,
		.arrival_ms = clock_wall_ms(), .now_ms = clock_wall_ms(),
		.rcpts = v, .n = mail->nrcpts, .full = true,
		.original = mail->content,
	};
	size_t		 i, k;

	if (v == NULL)
		return;
	for (i = 0; i < mail->nrcpts; i++) {
		v[i] = (struct dsn_rcpt){ .action = DSN_FAILED,
		    .address = submit_qualify(mail->rcpts[i], s->domain,
		    (struct arena *)(uintptr_t)&s->arena),
		    .status = SPAN("5.0.0"), .why = SPAN("The message was not "
		    "sent to anybody, since the server refused it or another "
		    "of its recipients.") };
		for (k = 0; k < s->nrefused; k++)
			if (s->refused[k].rcpt.n == 0 ||
			    span_eq(s->refused[k].rcpt, v[i].address)) {
				v[i].reply = s->refused[k].reply;
				v[i].status = status_text(v[i].reply);
			}
	}
	dsn_compose(&d, out);
	free(v);
}

/* -oem: to the sender, by way of the drop folder.  False: it is not. */
static bool
mail_back(const struct submit *s, const struct drop *mail)
{
	struct buf	content = { 0 };
	struct span	rcpt = s->sender;
	struct drop	notice;
	int		status;

	if (rcpt.n == 0)
		return false;
	compose_notice(s, mail, &content);
	notice = (struct drop){ .has_sender = true, .rcpts = &rcpt,
	    .nrcpts = 1, .content = buf_span(&content),
	    .eightbit = !span_is_ascii(buf_span(&content)) };
	status = leave(&notice);
	buf_clear(&content);
	return status == EX_OK;
}

static int
refused(const struct options *o, const struct submit *s,
    const struct drop *mail)
{
	int	status = status_of(&s->refused[0]);
	bool	mailed;
	size_t	i;

	for (i = 0; i < s->nrefused; i++)
		say(o, s->refused[i].rcpt, s->refused[i].reply);
	if (s->refused[0].rcpt.n > 0 && mail->nrcpts > s->nrefused)
		say(o, SPAN_NONE, SPAN("the message was sent to nobody"));
	mailed = (o->errors == ERRORS_MAIL || o->errors == ERRORS_MAIL_OK) &&
	    o->mode == MODE_SEND && mail_back(s, mail);
	return mailed && o->errors == ERRORS_MAIL_OK ? EX_OK : status;
}

/* --- */

static void
show(void *arg, char way, struct span line)
{
	(void)arg;
	fprintf(stderr, "%s %.*s\n", way == 'C' ? ">>>" : "   ",
	    SPAN_ARG(line));
}

/* What a program is run with that a mail server has started. */
static bool
cannot_gain(void)
{
	return prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1;
}

static int
later(const struct options *o, const struct submit *s, const struct drop *mail)
{
	struct drop	 rest = *mail;
	int		 status;

	if (o->mode == MODE_VERIFY) {
		say(o, SPAN_NONE, s->why);
		return EX_TEMPFAIL;
	}
	rest.rcpts += s->done;
	rest.nrcpts -= s->done;
	status = leave(&rest);
	/* There is no other way in for it, but the server may come back. */
	if (status == EX_NOPERM && cannot_gain())
		status = EX_TEMPFAIL;
	if (status != EX_OK) {
		if (o->errors != ERRORS_QUIET)
			fprintf(stderr, "%s: the server cannot take it now "
			    "(%.*s), nor the drop folder: nothing is sent\n",
			    called(o), SPAN_ARG(s->why));
	} else if (o->verbose)
		fprintf(stderr, "%s: the server cannot take it now (%.*s): it "
		    "waits in the drop folder\n", called(o),
		    SPAN_ARG(s->why));
	return status;
}

static void
say_deliverable(const struct options *o, const struct submit *s,
    const struct drop *mail)
{
	struct arena	a = { 0 };
	size_t		i;

	for (i = 0; o->mode == MODE_VERIFY && i < mail->nrcpts; i++)
		printf("%.*s... deliverable\n", SPAN_ARG(submit_qualify(
		    mail->rcpts[i], s->domain, &a)));
	arena_clear(&a);
}

int
send_message(const struct options *o, const struct person *p,
    const struct drop *mail)
{
	struct submit		s = { .mail = mail,
				    .login = span_of(p->login),
				    .together = true,
				    .only_ask = o->mode == MODE_VERIFY,
				    .trace = o->verbose ? show : NULL };
	enum submit_result	r = SUBMIT_LATER;
	int			fd, status;

	fd = submit_connect(drop_spool());
	if (fd == -1)
		s.why = span_of(strerror(errno));
	else {
		r = submit(&s, fd);
		close(fd);
	}
	if (r == SUBMIT_LATER)
		status = later(o, &s, mail);
	else if (r == SUBMIT_REFUSED)
		status = refused(o, &s, mail);
	else {
		say_deliverable(o, &s, mail);
		status = EX_OK;
	}
	submit_clear(&s);
	return status;
}
