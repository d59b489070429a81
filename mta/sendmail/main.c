/*
 * main.c - `sendmail`: mail from programs, as they have always handed it in.
 *
 * Runs as whoever calls it, without any privilege.  It reads the message, asks
 * the server to take it, and says by its status what the server has said.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/clock.h"
#include "mta/sendmail/sendmail.h"

#define PIECE	65536

static const char	usage[] =
    "usage: sendmail [-itv] [-f sender] [-F name] [-N dsn] [-R full|hdrs] [-V id]\n"
    "                [-B 7BIT|8BITMIME] [-oe p|q|m|e] [recipient ...]\n"
    "       sendmail -bs | -bv recipient ... | -bp | -bi\n";

/* Borrowed of the C library: nobody asks it again. */
static void
find_person(struct person *p)
{
	static char		 number[16];
	const struct passwd	*pw = getpwuid(getuid());

	if (pw == NULL) {
		(void)snprintf(number, sizeof(number), "#%u",
		    (unsigned)getuid());
		*p = (struct person){ .login = number };
		return;
	}
	*p = (struct person){ .login = pw->pw_name, .gecos = pw->pw_gecos };
}

static int
fails(const struct options *o, int status, const char *what, const char *why)
{
	if (o->errors != ERRORS_QUIET)
		fprintf(stderr, "%s: %s%s%s\n",
		    o->tag != NULL ? o->tag : "sendmail", what,
		    why == NULL ? "" : ": ", why == NULL ? "" : why);
	return status;
}

/* --- a message */

/* 0, or a status; what was said. */
static int
read_message(const struct options *o, struct input *in)
{
	struct drop_settings	 s;
	static char		 piece[PIECE];
	ssize_t			 n;

	drop_settings_read(drop_spool(), &s);
	*in = (struct input){ .dots = o->dots, .most = s.message_max };
	while (!in->ended && !in->too_large &&
	    (n = read(STDIN_FILENO, piece, sizeof(piece))) != 0) {
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			return fails(o, EX_IOERR, "standard input",
			    strerror(errno));
		input_take(in, span_mem(piece, (size_t)n));
	}
	input_end(in);
	if (in->too_large)
		return fails(o, EX_DATAERR, "the message is larger than this "
		    "server takes", NULL);
	return EX_OK;
}

static int
add_rcpts(const struct options *o, struct arena *a, struct drop *mail,
    size_t *cap)
{
	const char	*why;
	char		**v;

	for (v = o->rcpts; *v != NULL; v++)
		if (!compose_add_rcpts(span_of(*v), a, mail, cap, &why))
			return fails(o, EX_USAGE, *v, why);
	return EX_OK;
}

/* Whose it is, and how; all but recipients and content. */
static void
set_envelope(const struct options *o, struct drop *mail)
{
	mail->has_sender = o->has_sender;
	mail->sender = o->has_sender ? span_of(o->sender) : SPAN_NONE;
	mail->notify = o->notify != NULL ? span_of(o->notify) : SPAN_NONE;
	mail->ret = o->ret;
	mail->envid = o->envid != NULL ? span_of(o->envid) : SPAN_NONE;
	mail->eightbit = o->eightbit;
}

static int
take_content(const struct options *o, const struct person *p,
    struct arena *a, struct drop *mail, size_t *cap, struct buf *content)
{
	struct input	 in;
	const char	*why;
	int		 status = read_message(o, &in);

	if (status == EX_OK && o->from_header &&
	    !compose_header_rcpts(buf_span(&in.out), a, mail, cap, &why))
		status = fails(o, EX_DATAERR, "a recipient in the header",
		    why);
	if (status == EX_OK)
		compose_content(buf_span(&in.out), o, p, clock_wall_ms(),
		    content);
	mail->content = buf_span(content);
	mail->eightbit |= in.eightbit;
	buf_clear(&in.out);
	return status;
}

static int
send_one(const struct options *o)
{
	struct person	p;
	struct arena	a = { 0 };
	struct buf	content = { 0 };
	struct drop	mail = { .ret = DROP_RET_NONE };
	size_t		cap = 0;
	int		status;

	find_person(&p);
	set_envelope(o, &mail);
	status = add_rcpts(o, &a, &mail, &cap);
	if (status == EX_OK && mail.nrcpts == 0 && !o->from_header)
		status = fails(o, EX_USAGE, "no recipients: name them, or "
		    "give -t to have them read from the header", NULL);
	if (status == EX_OK && o->mode == MODE_SEND)
		status = take_content(o, &p, &a, &mail, &cap, &content);
	if (status == EX_OK && mail.nrcpts == 0)
		status = fails(o, EX_DATAERR, "no recipients in the header",
		    NULL);
	if (status == EX_OK) {
		compose_unique(&mail);
		status = send_message(o, &p, &mail);
	}
	free(mail.rcpts);
	buf_clear(&content);
	arena_clear(&a);
	return status;
}

/* --- the other modes */

/* A command of `waybill`, which is beside us, by its classic name. */
static int
run_other(const struct options *o, const char *name)
{
	const char	*more = o->verbose && o->mode == MODE_MAILQ ? "-v" : NULL;
	char		 path[4096];

	if (beside_us("waybill", path, sizeof(path)))
		(void)execl(path, name, more, (char *)NULL);
	else
		(void)execlp("waybill", name, more, (char *)NULL);
	return fails(o, EX_UNAVAILABLE, name, strerror(errno));
}

static int
run_mode(const struct options *o)
{
	switch (o->mode) {
	case MODE_SMTP:
		return relay_smtp();
	case MODE_MAILQ:
		return run_other(o, "mailq");
	case MODE_NEWALIASES:
		return run_other(o, "newaliases");
	case MODE_SEND:
	case MODE_VERIFY:
		break;
	}
	return send_one(o);
}

/*
 * What is opened later must not get the number of a stream that the caller has
 * closed: messages for stderr would go to the server.  A missing input stays
 * one that cannot be read.
 */
static void
fill_descriptors(void)
{
	int	fd;

	for (fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (fcntl(fd, F_GETFD) == -1 &&
		    open("/dev/null", O_WRONLY | O_NOCTTY) != fd)
			exit(EX_OSERR);
}

int
main(int argc, char **argv)
{
	struct options	 o;
	char		*why;
	int		 status;

	fill_descriptors();
	(void)signal(SIGPIPE, SIG_IGN);
	if (options_read(&o, argc, argv, &why) != EX_OK) {
		fprintf(stderr, "sendmail: %s\n%s", why, usage);
		free(why);
		options_clear(&o);
		return EX_USAGE;
	}
	status = run_mode(&o);
	options_clear(&o);
	return status;
}
