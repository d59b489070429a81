/*
 * admit.c - a new session is counted over all workers, then greeted.
 *
 * Where there is one worker its own count is exact, and nobody is asked.  Who
 * is one of few here is greeted while limits is still being asked: it would
 * be one too many only if almost all were with other workers, and is then told
 * as soon as limits has said so; limits is not even asked about one that has
 * ended before it is.
 */
#include "config.h"

#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "mta/smtp/admit.h"
#include "mta/smtp/commands.h"
#include "mta/smtp/secure.h"
#include "mta/smtp/server.h"
#include "mta/smtp/session_int.h"

bool
admit_counts(const struct server *sv)
{
	return sv->workers > 1 && limits_client_there(sv->counters);
}

void
admit_refuse(struct server *sv, const struct ip *ip, enum limits_result why,
    struct buf *out)
{
	char	text[IP_TEXT_MAX];

	if (out != NULL)
		reply_put(out, why == LIMITS_CLIENT ? REPLY_PER_CLIENT :
		    why == LIMITS_USER ? REPLY_USER_SESSIONS : REPLY_SESSIONS,
		    sv->gen->hostname);
	sv->count.refused++;
	log_info("refused stage=limits client=%s code=421 limit=%s",
	    ip_format(ip, text),
	    why == LIMITS_CLIENT ? "connections" :
	    why == LIMITS_USER ? "user connections" : "sessions");
}

/* One send, whatever becomes of it: who is one too many is not waited for. */
void
admit_turn_away(struct server *sv, int fd, const struct ip *ip,
    const struct door *door, enum limits_result why)
{
	struct buf	out = { 0 };

	admit_refuse(sv, ip, why, door->tls_first ? NULL : &out);
	if (out.n > 0)
		(void)!send(fd, buf_span(&out).p, out.n,
		    MSG_NOSIGNAL | MSG_DONTWAIT);
	buf_clear(&out);
	close(fd);
}

/*
 * Who tells the clients of his connections by XCLIENT has many of them: they
 * count when they have been told.  A filter's count to none.
 */
static unsigned
per_client_max(const struct generation *g, const struct door *door,
    const struct origin *o)
{
	return door->filter || (ip_eq(&o->ip, &o->speaker) && door_trusts(door,
	    RS_OPT_LISTEN_xclient, &o->ip)) ? g->sessions_max :
	    g->per_client_max;
}

void
admit_connection(struct server *sv, struct generation *g, int fd,
    const struct origin *o, const struct door *door)
{
	struct ip		room;
	enum limits_result	r;

	r = limits_enter(&sv->limits, origin_counted(o, &o->ip, &room),
	    server_sessions_max(sv),
	    per_client_max(g, door, o));
	if (r == LIMITS_OK)
		session_new(sv, g, fd, o, door);
	else
		admit_turn_away(sv, fd, &o->ip, door, r);
}

/* While limits is away this worker's own count has decided already. */
static void
counted(void *arg, enum limits_result r)
{
	struct session	*s = arg;

	session_unpark(s);
	if (r == LIMITS_OK || r == LIMITS_UNCOUNTED)
		session_greet(s);
	else {
		admit_refuse(s->server, &s->facts.client_ip, r,
		    s->door->tls_first && !secure_on(s) ? NULL : &s->out);
		session_close(s, "one too many");
	}
	session_go_on(s);
}

/* It has been greeted. */
static void
counted_late(void *arg, enum limits_result r)
{
	struct session	*s = arg;

	if (r == LIMITS_OK || r == LIMITS_UNCOUNTED)
		return;
	s->over = r;
	session_settle(s);
}

/* Below a quarter of this worker's share, of all and of the client's. */
static bool
is_one_of_few(const struct session *s)
{
	const struct server	*sv = s->server;
	uint64_t		 share = 4 * (uint64_t)sv->workers;
	struct ip		 room;

	return sv->limits.sessions * share < s->gen->sessions_max &&
	    limits_of(&sv->limits, origin_counted(&s->origin,
	    &s->facts.client_ip, &room)) * share <
	    s->gen->per_client_max;
}

void
admit_session(struct session *s)
{
	struct server		*sv = s->server;
	struct ip		 room;
	struct limits_key	 k;
	struct span		 client = limits_key(origin_counted(&s->origin,
	    &s->facts.client_ip, &room), &k);
	bool			 asks = admit_counts(sv);
	bool			 waits = asks && !is_one_of_few(s);

	uint32_t		 most = s->gen->sessions_max;
	uint32_t		 each = per_client_max(s->gen, s->door,
	    &s->origin);

	if (sv->workers > 1)
		s->count = asks && !waits ? limits_count_soon(sv->counters,
		    client, most, each, counted_late, s) :
		    limits_count(sv->counters, client, most, each,
		    waits ? counted : NULL, s);
	if (waits)
		session_park(s);
	else
		session_greet(s);
}

static void
leave(struct session *s, const struct ip *ip)
{
	struct ip	room;

	if (s->uncounted)
		return;
	s->uncounted = true;
	limits_leave(&s->server->limits, origin_counted(&s->origin, ip,
	    &room));
	if (s->count != 0)
		limits_uncount(s->server->counters, s->count);
	s->count = 0;
}

void
admit_again(struct session *s, const struct ip *was)
{
	struct server		*sv = s->server;
	const struct ip		*ip = &s->facts.client_ip;
	enum limits_result	 r;

	leave(s, was);
	r = limits_enter(&sv->limits, ip, server_sessions_max(sv),
	    per_client_max(s->gen, s->door, &s->origin));
	if (r == LIMITS_OK) {
		s->uncounted = false;
		admit_session(s);
		return;
	}
	admit_refuse(sv, ip, r, &s->out);
	s->linger = true;
	session_close(s, "one too many");
}

void
admit_leave(struct session *s)
{
	leave(s, &s->facts.client_ip);
}
