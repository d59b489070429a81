/*
 * submit.c - one message, from the greeting to the answer to the final dot.
 */
#include "config.h"

#include <sys/socket.h>
#include <sys/un.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/xalloc.h"
#include "mail/dot.h"
#include "mail/header.h"
#include "mail/xtext.h"
#include "mta/submit/submit.h"
#include "mta/submit/talk.h"

/* Seconds.  Who is greeted late leaves his mail in the drop folder. */
#define GREETING_S	20
#define COMMAND_S	300	/* RFC 5321, 4.5.3.2 */
#define DOT_S		600
#define PIECE		65536	/* octets of content in one send */

struct hand {
	struct submit	*s;
	struct talk	 t;
	bool		 eightbit, utf8, dsn;	/* what is offered */
	size_t		 most;		/* recipients of a transaction; RFC 9422 */
	bool		*out;		/* of each recipient: he was refused */
	size_t		 taken;		/* recipients of this transaction */
	bool		 put_off;	/* one of them has got 4xx */
};

int
submit_connect(const char *spool)
{
	struct sockaddr_un	sun = { .sun_family = AF_UNIX };
	int			dir, fd, n, saved;
	char			*path = xasprintf("%s/" DROP_PUBLIC, spool);

	/* By way of the folder's descriptor: a path may be too long. */
	dir = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	free(path);
	if (dir == -1)
		return -1;
	n = snprintf(sun.sun_path, sizeof(sun.sun_path),
	    "/proc/self/fd/%d/" DROP_SOCKET, dir);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (n > 0 && fd != -1 &&
	    connect(fd, (struct sockaddr *)&sun, sizeof(sun)) == -1) {
		saved = errno;
		close(fd);
		fd = -1;
		errno = saved;
	}
	saved = errno;
	close(dir);
	errno = saved;
	return fd;
}

/* --- what is said */

static struct span
first_line(const struct talk *t)
{
	struct span	s = buf_span(&t->reply);
	ptrdiff_t	end = span_index(s, '\n');

	return end < 0 ? s : span_mem(s.p, (size_t)end);
}

static void
refuse(struct hand *h, struct span rcpt, struct span reply)
{
	struct submit	*s = h->s;

	s->refused = xreallocarray(s->refused, s->nrefused + 1,
	    sizeof(*s->refused));
	s->refused[s->nrefused++] = (struct submit_refusal){
		arena_span(&s->arena, rcpt),
		arena_span(&s->arena, reply), h->t.code };
}

static enum submit_result
later(struct hand *h)
{
	struct submit	*s = h->s;

	s->why = h->t.broken != NULL ? span_of(h->t.broken) :
	    arena_span(&s->arena, first_line(&h->t));
	if (!s->impatient || s->hostname.n == 0)
		return SUBMIT_LATER;
	/* It has been so for days: its sender is told. */
	refuse(h, SPAN_NONE, h->t.broken == NULL ? s->why :
	    arena_printf(&s->arena, "451 4.4.2 %s", h->t.broken));
	return SUBMIT_REFUSED;
}

/* Of what is said of all. */
static enum submit_result
not_taken(struct hand *h)
{
	if (h->t.code < 500)
		return later(h);
	refuse(h, SPAN_NONE, first_line(&h->t));
	return SUBMIT_REFUSED;
}

/* --- the session */

/* "MAILMAX=3333 RCPTMAX=1000" */
static void
take_limits(struct hand *h, struct span line)
{
	struct span	word;
	ptrdiff_t	end;
	uint64_t	n;

	for (; line.n > 0; line = span_from(line, word.n + 1)) {
		word = line;
		if ((end = span_index(line, ' ')) >= 0)
			word.n = (size_t)end;
		if (span_iprefix(word, SPAN("RCPTMAX=")) &&
		    span_u64(span_from(word, 8), SIZE_MAX, &n) && n > 0)
			h->most = (size_t)n;
	}
}

static void
take_offers(struct hand *h)
{
	struct span	all = buf_span(&h->t.reply), line;
	ptrdiff_t	end;

	while ((end = span_index(all, '\n')) >= 0) {
		line = span_from(span_mem(all.p, (size_t)end), 4);
		all = span_from(all, (size_t)end + 1);
		h->eightbit |= span_ieq(line, SPAN("8BITMIME"));
		h->utf8 |= span_ieq(line, SPAN("SMTPUTF8"));
		h->dsn |= span_ieq(line, SPAN("DSN"));
		if (span_iprefix(line, SPAN("LIMITS ")))
			take_limits(h, span_from(line, 7));
	}
}

/* "250-HOST for=DOMAIN" */
static void
take_names(struct hand *h)
{
	struct span	line = span_from(first_line(&h->t), 4);
	ptrdiff_t	blank = span_index(line, ' ');
	struct span	rest;

	h->s->hostname = h->s->domain = arena_span(&h->s->arena, line);
	if (blank < 0)
		return;
	h->s->hostname.n = h->s->domain.n = (size_t)blank;
	rest = span_from(line, (size_t)blank + 1);
	if (span_prefix(rest, SPAN("for=")) && rest.n > 4)
		h->s->domain = arena_span(&h->s->arena, span_from(rest, 4));
}

static bool
begin(struct hand *h, enum submit_result *r)
{
	bool	ok = talk_reply(&h->t, GREETING_S) == 220;

	if (ok) {
		talk_put(&h->t, "EHLO localhost");
		ok = talk_reply(&h->t, GREETING_S) == 250;
	}
	if (!ok) {
		*r = not_taken(h);
		return false;
	}
	take_offers(h);
	take_names(h);
	return true;
}

static bool
wants_utf8(const struct hand *h)
{
	const struct drop	*d = h->s->mail;
	size_t			 i;

	for (i = 0; i < d->nrcpts; i++)
		if (!span_is_ascii(d->rcpts[i]))
			return true;
	return !span_is_ascii(h->s->sender);
}

static void
put_mail(struct hand *h)
{
	const struct drop	*d = h->s->mail;
	struct buf		 more = { 0 };

	buf_addf(&more, " SIZE=%zu", d->content.n);
	if (d->eightbit && h->eightbit)
		buf_add_str(&more, " BODY=8BITMIME");
	if (wants_utf8(h) && h->utf8)
		buf_add_str(&more, " SMTPUTF8");
	if (h->dsn && d->ret != DROP_RET_NONE)
		buf_addf(&more, " RET=%s",
		    d->ret == DROP_RET_FULL ? "FULL" : "HDRS");
	if (h->dsn && d->envid.n > 0) {
		buf_add_str(&more, " ENVID=");
		xtext_encode(d->envid, &more);
	}
	talk_put(&h->t, "MAIL FROM:<%.*s>%s", SPAN_ARG(h->s->sender),
	    buf_cstr(&more));
	buf_clear(&more);
}

static void
put_rcpt(struct hand *h, struct span rcpt)
{
	const struct drop	*d = h->s->mail;

	if (h->dsn && d->notify.n > 0)
		talk_put(&h->t, "RCPT TO:<%.*s> NOTIFY=%.*s", SPAN_ARG(rcpt),
		    SPAN_ARG(d->notify));
	else
		talk_put(&h->t, "RCPT TO:<%.*s>", SPAN_ARG(rcpt));
}

static void
take_answer(struct hand *h, size_t i, struct span rcpt, unsigned code)
{
	if (code < 300)
		h->taken++;
	else if (code >= 500 || h->s->impatient) {
		refuse(h, rcpt, first_line(&h->t));
		h->out[i] = true;
	} else if (i >= h->s->done) {
		h->put_off = true;
		h->s->why = arena_span(&h->s->arena, first_line(&h->t));
	}
}

/* Those from first on, but who was refused before.  False: broken. */
static bool
ask_rcpts(struct hand *h, size_t first, size_t n)
{
	struct span	 rcpt;
	unsigned	 code;
	size_t		 i;

	h->taken = 0;
	h->put_off = false;
	for (i = first; i < first + n; i++) {
		if (h->out[i])
			continue;
		rcpt = submit_qualify(h->s->mail->rcpts[i], h->s->domain,
		    &h->s->arena);
		put_rcpt(h, rcpt);
		if ((code = talk_reply(&h->t, COMMAND_S)) == 0)
			return false;
		take_answer(h, i, rcpt, code);
	}
	return true;
}

static bool
send_content(struct hand *h)
{
	struct dot_out	dot = { false, false };
	struct buf	header = { 0 };
	struct span	content = h->s->mail->content, piece;
	bool		ok = true;

	if (submit_qualify_header(content, h->s->domain, &header)) {
		ok = dot_out(&dot, buf_span(&header), &h->t.out);
		content = span_from(content, header_size(content));
	}
	while (ok && content.n > 0) {
		piece = span_mem(content.p,
		    content.n < PIECE ? content.n : PIECE);
		content = span_from(content, piece.n);
		ok = dot_out(&dot, piece, &h->t.out) && talk_send(&h->t);
	}
	buf_clear(&header);
	return ok && dot_end(&dot, &h->t.out);
}

static enum submit_result
give_content(struct hand *h)
{
	talk_put(&h->t, "DATA");
	if (talk_reply(&h->t, COMMAND_S) != 354)
		return not_taken(h);
	if (!send_content(h)) {
		if (h->t.broken == NULL)
			h->t.broken = "the content has a line end that is "
			    "none";
		return later(h);
	}
	if (talk_reply(&h->t, DOT_S) != 250)
		return not_taken(h);
	return SUBMIT_TAKEN;
}

/* MAIL, and a RCPT for each of n; SUBMIT_TAKEN: content may follow. */
static enum submit_result
open_transaction(struct hand *h, size_t first, size_t n)
{
	put_mail(h);
	if (talk_reply(&h->t, COMMAND_S) != 250)
		return not_taken(h);
	if (!ask_rcpts(h, first, n))
		return later(h);
	return SUBMIT_TAKEN;
}

static enum submit_result
transaction(struct hand *h)
{
	struct submit		*s = h->s;
	enum submit_result	 r;

	r = open_transaction(h, 0, s->mail->nrcpts);
	if (r != SUBMIT_TAKEN)
		return r;
	if (s->nrefused > 0 && (s->together || s->only_ask ||
	    (h->taken == 0 && !h->put_off)))
		return SUBMIT_REFUSED;
	if (h->put_off)
		return SUBMIT_LATER;
	return s->only_ask ? SUBMIT_TAKEN : give_content(h);
}

/* --- more recipients than a transaction may have */

static size_t
portion(const struct hand *h, size_t first)
{
	size_t	left = h->s->mail->nrcpts - first;

	return left < h->most ? left : h->most;
}

static enum submit_result
forget_transaction(struct hand *h)
{
	talk_put(&h->t, "RSET");
	return talk_reply(&h->t, COMMAND_S) == 250 ? SUBMIT_TAKEN : later(h);
}

/* Whether all of them would be taken, before anybody gets it. */
static enum submit_result
ask_all(struct hand *h)
{
	enum submit_result	r;
	size_t			first, n = h->s->mail->nrcpts;

	for (first = 0; first < n; first += h->most) {
		r = open_transaction(h, first, portion(h, first));
		if (r == SUBMIT_TAKEN && h->put_off)
			r = SUBMIT_LATER;
		if (r == SUBMIT_TAKEN)
			r = forget_transaction(h);
		if (r != SUBMIT_TAKEN)
			return r;
	}
	return SUBMIT_TAKEN;
}

static enum submit_result
in_portions(struct hand *h)
{
	struct submit		*s = h->s;
	enum submit_result	 r;
	size_t			 n;

	if ((r = ask_all(h)) != SUBMIT_TAKEN)
		return r;
	if (s->nrefused > 0 && (s->together || s->only_ask ||
	    s->nrefused == s->mail->nrcpts))
		return SUBMIT_REFUSED;
	for (; !s->only_ask && s->done < s->mail->nrcpts; s->done += n) {
		n = portion(h, s->done);
		r = open_transaction(h, s->done, n);
		if (r == SUBMIT_TAKEN && h->put_off)
			r = SUBMIT_LATER;
		if (r == SUBMIT_TAKEN)
			r = h->taken > 0 ? give_content(h) :
			    forget_transaction(h);
		if (r != SUBMIT_TAKEN)
			return r;
	}
	return SUBMIT_TAKEN;
}

enum submit_result
submit(struct submit *s, int fd)
{
	struct hand		h = { .s = s, .t = { .fd = fd,
				    .trace = s->trace,
				    .trace_arg = s->trace_arg } };
	const struct drop	*d = s->mail;
	enum submit_result	r;

	if (begin(&h, &r)) {
		s->sender = submit_qualify(d->has_sender ? d->sender :
		    s->login, s->domain, &s->arena);
		h.out = xcalloc(d->nrcpts + 1, sizeof(*h.out));
		r = h.most > 0 && d->nrcpts > h.most ? in_portions(&h) :
		    transaction(&h);
		free(h.out);
		if (h.t.broken == NULL) {
			talk_put(&h.t, "QUIT");
			(void)talk_send(&h.t);
		}
	}
	talk_clear(&h.t);
	return r;
}

void
submit_clear(struct submit *s)
{
	free(s->refused);
	s->refused = NULL;
	s->nrefused = 0;
	arena_clear(&s->arena);
}
