/*
 * user_limits.c - asking the limits process for a user.
 */
#include "config.h"

#include "base/digest.h"
#include "mta/msg/auth.h"
#include "mta/smtp/lmtp.h"
#include "mta/smtp/server.h"
#include "mta/smtp/session_int.h"
#include "mta/smtp/user_limits.h"

#define KIB	1024

static const struct {
	const char	*name;	/* no rule's rate can be called so */
	enum smtp_reply	 over;
} limits[] = {
	[USER_MESSAGES] =   { "\1messages",   REPLY_USER_MESSAGES },
	[USER_RECIPIENTS] = { "\1recipients", REPLY_USER_RECIPIENTS },
	[USER_OCTETS] =	    { "\1octets",     REPLY_USER_OCTETS },
};

/* --- settings */

static void
read_rate(struct user_limits *u, enum user_limit what, int64_t rate)
{
	u->rate[what].count = (uint32_t)RS_RATE_COUNT(rate);
	u->rate[what].period_ms = RS_RATE_MS(rate);
}

static void
read_octets(struct user_limits *u, const struct rs_image *image)
{
	int64_t	octets, ms;

	octets = rs_setting_int(image, RS_OPT_LIMITS_user_octets);
	ms = rs_setting_int_at(image, RS_OPT_LIMITS_user_octets, 1);
	if (octets <= 0 || ms <= 0)
		return;
	octets = (octets + KIB - 1) / KIB;
	u->rate[USER_OCTETS].count = octets > UINT32_MAX ? UINT32_MAX :
	    (uint32_t)octets;
	u->rate[USER_OCTETS].period_ms = ms;
}

void
user_limits_read(struct user_limits *u, const struct rs_image *image)
{
	int64_t	n = rs_setting_int(image, RS_OPT_LIMITS_user_connections);

	memset(u, 0, sizeof(*u));
	u->sessions = n < 0 ? 0 : n > INT32_MAX ? INT32_MAX : (unsigned)n;
	read_rate(u, USER_MESSAGES,
	    rs_setting_int(image, RS_OPT_LIMITS_user_messages));
	read_rate(u, USER_RECIPIENTS,
	    rs_setting_int(image, RS_OPT_LIMITS_user_recipients));
	read_octets(u, image);
}

/* --- rates */

/* Who he is, without regard to case: as many octets as no address has. */
struct who {
	uint8_t	octets[LIMITS_CLIENT_MAX];
};

static struct span
who(struct span user, struct who *w)
{
	char		 folded[AUTH_USER_MAX];
	struct span	 s = { folded, 0 };

	for (; s.n < user.n && s.n < sizeof(folded); s.n++)
		folded[s.n] = ascii_lower(user.p[s.n]);
	digest_sha256(s, w->octets);
	return span_mem(w->octets, sizeof(w->octets));
}

static void
told(struct session *s, enum limits_answer answer)
{
	enum user_limit	 what = s->user.asked;
	user_limit_step	*step = s->user.step;
	size_t		 mark = lmtp_mark(s);

	s->user.ticket = 0;
	if (answer == LIMITS_CANNOT)
		session_refuse(s, REPLY_NOT_COUNTED, SPAN_NONE);
	else if (answer == LIMITS_YES)
		session_refuse(s, limits[what].over, SPAN_NONE);
	if (what == USER_OCTETS)	/* the answer to a content */
		lmtp_repeat(s, mark);
	step(s, answer == LIMITS_NO);
}

static void
answered(void *arg, enum limits_answer answer)
{
	struct session	*s = arg;

	session_unpark(s);
	told(s, answer);
	session_go_on(s);
}

/* What will never have room is not put off. */
static void
too_large(struct session *s, user_limit_step *step)
{
	size_t	mark = lmtp_mark(s);

	session_refuse(s, REPLY_USER_TOO_LARGE, SPAN_NONE);
	lmtp_repeat(s, mark);
	step(s, false);
}

void
user_limit_ask(struct session *s, enum user_limit what, uint64_t n,
    user_limit_step *step)
{
	const struct user_limits	*u = &s->gen->user;
	uint64_t			 units;
	struct who			 w;
	struct limits_rate		 q = {
		.name = span_of(limits[what].name),
		.count = u->rate[what].count,
		.period_ms = u->rate[what].period_ms,
		.tx = s->facts.tx, .step = s->facts.command,
	};

	if (s->facts.user.n == 0 || q.count == 0) {
		step(s, true);
		return;
	}
	units = what == USER_OCTETS ? (n + KIB - 1) / KIB : n;
	if (what == USER_OCTETS && units > q.count) {
		too_large(s, step);
		return;
	}
	q.more = units == 0 ? 0 : units > UINT32_MAX ? UINT32_MAX :
	    (uint32_t)units - 1;
	q.key = who(s->facts.user, &w);
	s->user.asked = what;
	s->user.step = step;
	s->user.ticket = limits_rate(s->server->counters, &q, answered, s);
	session_park(s);
}

/* --- sessions */

static void
counted(void *arg, enum limits_result r)
{
	struct session	*s = arg;

	if (r != LIMITS_CLIENT)
		return;
	s->over = LIMITS_USER;
	session_settle(s);
}

void
user_limit_login(struct session *s)
{
	struct who	w;

	if (s->gen->user.sessions == 0)
		return;
	s->user.count = limits_count(s->server->counters,
	    who(s->facts.user, &w), UINT32_MAX, s->gen->user.sessions,
	    counted, s);
}

void
user_limit_leave(struct session *s)
{
	if (s->user.ticket != 0)
		limits_cancel(s->server->counters, s->user.ticket);
	if (s->user.count != 0)
		limits_uncount(s->server->counters, s->user.count);
	s->user.ticket = s->user.count = 0;
}
