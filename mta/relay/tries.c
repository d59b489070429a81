/*
 * tries.c - where a session begins: addresses, the one that is tried, and the
 * next.
 *
 * Addresses come in the order of hops.h; those that rest (health.h) stand
 * behind the others.  A failure goes on to the next host when the hop's `move
 * on` has its kind; other addresses of the same host are tried in any case, but
 * not after a refused login.  One that would need the message in another form is
 * set aside while there are others: it takes other mail meanwhile, and this one
 * when none of them takes it as it is.
 */
#include <assert.h>
#include <stdlib.h>

#include "base/xalloc.h"
#include "mta/relay/client_auth.h"
#include "mta/relay/client_tls.h"
#include "mta/relay/conns_int.h"
#include "mta/relay/dial.h"
#include "mta/relay/move.h"
#include "mta/relay/tls_report.h"
#include "mta/relay/tls_want.h"

/* --- health */

static struct health_key
key_of(const struct hop_addr *a)
{
	return (struct health_key){ a->ip, a->port };
}

/* A local socket has no other address in whose favour it is passed over. */
static void
mark_failed(struct conns *k, const struct hop_addr *a,
    const struct outcome *why)
{
	struct health_key	key = key_of(a);

	if (!hop_is_local(a))
		health_failed(k->health, &key, a->name, why->text,
		    loop_now_ms());
}

static bool
rests(const struct conns *k, const struct hop_addr *a)
{
	struct health_key	key = key_of(a);

	return !hop_is_local(a) &&
	    health_rests(k->health, &key, loop_now_ms());
}

/* Those that rest come last, each kind in its order. */
void
tries_rested_last(const struct conns *k, struct hop_list *list)
{
	struct hop_addr	*sorted;
	size_t		 i, n = 0, pass;

	sorted = xreallocarray(NULL, list->n, sizeof(*sorted));
	for (pass = 0; pass < 2; pass++)
		for (i = 0; i < list->n; i++)
			if (rests(k, &list->at[i]) == (pass == 1))
				sorted[n++] = list->at[i];
	assert(n == list->n);
	memcpy(list->at, sorted, n * sizeof(*sorted));
	free(sorted);
}

/* --- one address */

static void
tell_mta(struct session *s, const struct hop_addr *a)
{
	char	text[HOP_ADDR_TEXT];

	job_set_mta(s->job, span_of(hop_addr_text(a, hop_addr_name(a), text)));
}

/* A passing trouble of one address outweighs another's final no. */
static void
keep_outcome(struct session *s, const struct outcome *why)
{
	if (!outcome_is_final(why) || s->why.code == 0 ||
	    outcome_is_final(&s->why))
		s->why = *why;
}

static bool
dial_for(struct session *s, const struct hop_addr *a,
    const struct client_tls_want *tls)
{
	struct health_key	key = key_of(a);
	struct outcome		why;
	enum dial_result	result;
	int			fd;

	health_try(s->conns->health, &key, loop_now_ms());
	if ((result = dial(a, &fd, &why)) != DIAL_BEGUN) {
		keep_outcome(s, &why);
		if (result == DIAL_FAILED)
			mark_failed(s->conns, a, &why);
		else
			health_untried(s->conns->health, &key);
		return false;
	}
	s->conns->n.connects++;
	hop_addr_clear(&s->addr);
	hop_addr_copy(&s->addr, a);
	s->client = client_new(fd, a, s->conns->hops->self, &session_ops, s);
	client_want_tls(s->client, tls);
	client_want_login(s->client, s->conns->hops->logins, s->job);
	return true;
}

/* No session came about, since its policy could not be kept. */
static void
tell_unusable(const struct session *s, const struct hop_addr *a,
    const struct client_tls_want *tls)
{
	const struct tls_report	r = {
		.hop = span_mem(s->hop, s->hop_octets),
		.flags = s->job->flags, .facts = tls->facts, .addr = a,
		.class = tls->level.report, .why = tls->level.why
	};

	if (r.class != TLS_CLASS_NONE)
		tls_report(&r);
}

/* false: not even begun, for a failure of this kind; s->why says why. */
static bool
try_address(struct session *s, const struct hop_addr *a, unsigned *move)
{
	struct client_tls_want	tls;
	struct outcome		why;
	bool			begun = false;

	tell_mta(s, a);
	if (tls_want(a, job_tls_flags(s->job), in_clear_has(&s->conns->clear, &a->ip,
	    a->port, loop_now_ms()), &tls, &why)) {
		*move = MOVE_CONNECT;
		begun = dial_for(s, a, &tls);
	} else {
		*move = MOVE_TLS;
		tell_unusable(s, a, &tls);
		keep_outcome(s, &why);
	}
	tls_want_clear(&tls);
	return begun;
}

/* Those from `at` on that are of this host, or are not. */
static void
keep_only(struct session *s, uint16_t host, bool same)
{
	struct hop_list	*list = s->list;
	size_t		 i, n = s->at;

	for (i = s->at; i < list->n; i++)
		if ((list->at[i].host == host) == same || list->at[i].aside)
			list->at[n++] = list->at[i];
		else
			hop_addr_clear(&list->at[i]);
	list->n = n;
}

/* Which of the addresses that are left may follow this failure. */
static void
leave_out(struct session *s, const struct hop_addr *failed, unsigned move)
{
	bool	goes = failed->way == NULL ||
		    (failed->way->terms->move_on & move) != 0;

	if (move == MOVE_LOGIN)
		keep_only(s, failed->host, false);
	if (!goes)
		keep_only(s, failed->host, true);
}

/* Set aside before, and idle still.  True: the session is gone. */
static bool
reuse(struct session *s, const struct hop_addr *a)
{
	struct job	*j = s->job;

	tell_mta(s, a);
	s->job = NULL;
	if (!session_reuse(s->conns, a, j)) {
		s->job = j;
		return false;
	}
	session_free(s);
	return true;
}

static void
try_next(struct session *s)
{
	struct hop_addr	*a;
	unsigned	 move;

	while (s->at < s->list->n && loop_now_ms() < s->try_until_ms &&
	    loop_now_ms() < s->job_until_ms) {
		a = &s->list->at[s->at++];
		if (a->aside && reuse(s, a))
			return;
		if (try_address(s, a, &move))
			return;
		leave_out(s, a, move);
	}
	session_give_up(s);
}

void
tries_worked(struct session *s)
{
	struct health_key	key = key_of(&s->addr);

	health_works(s->conns->health, &key);
	s->settled = s->settled || s->list->n == 1;
	hop_list_free(&s->list);
}

/* The address that was tried last stands behind all others now. */
static void
put_last(struct session *s)
{
	struct hop_list	*list = s->list;
	struct hop_addr	 a = list->at[--s->at];

	a.aside = true;
	memmove(&list->at[s->at], &list->at[s->at + 1],
	    (list->n - s->at - 1) * sizeof(a));
	list->at[list->n - 1] = a;
}

bool
tries_aside(struct session *s)
{
	struct health_key	 key = key_of(&s->addr);
	struct session		*new;

	if (client_suits(s->client, s->job))
		return false;
	if (s->at == s->list->n || s->list->at[s->at - 1].aside) {
		s->settled = true;
		return false;
	}
	health_works(s->conns->health, &key);
	put_last(s);
	new = session_split(s);
	new->list = s->list;
	new->at = s->at;
	new->try_until_ms = s->try_until_ms;
	new->why = s->why;
	new->has_set = s->has_set;
	memcpy(new->set, s->set, sizeof(new->set));
	s->list = NULL;
	try_next(new);
	return true;
}

void
tries_failed(struct session *s, const struct outcome *why)
{
	struct health_key	key = key_of(&s->addr);
	unsigned		move = move_of(why);

	/* One message or login is refused, not the host dead. */
	if (outcome_is_final(why) || move == MOVE_LOGIN || move == 0)
		health_untried(s->conns->health, &key);
	else
		mark_failed(s->conns, &s->addr, why);
	keep_outcome(s, why);
	leave_out(s, &s->addr, move);
	try_next(s);
}

void
tries_clear(struct session *s)
{
	in_clear_mark(&s->conns->clear, &s->addr.ip, s->addr.port,
	    loop_now_ms() + CONNS_CLEAR_MS);
	assert(s->at > 0);
	s->at--;
	try_next(s);
}

void
tries_stop(struct session *s)
{
	struct health_key	key = key_of(&s->addr);

	if (s->list != NULL)
		health_untried(s->conns->health, &key);
}

bool
tries_move_on(struct session *s)
{
	const struct relay_way	*way = s->addr.way;

	if (way == NULL || loop_now_ms() >= s->job_until_ms ||
	    !move_begin(s->job, way->terms->move_on &
	    (MOVE_BUSY | MOVE_TEMPORARY | MOVE_REFUSED)))
		return false;
	move_note(s->job, &s->addr);
	return true;
}

/* --- addresses */

/* It has the TLS that a message wants of it there. */
static bool
serves(const struct session *s, const struct hop_list *list,
    const struct job *j)
{
	size_t	i;

	for (i = 0; i < list->n; i++)
		if (list->at[i].port == s->addr.port &&
		    ip_eq(&list->at[i].ip, &s->addr.ip))
			return tls_want_served(s->client, &list->at[i],
			    job_tls_flags(j));
	return false;
}

/* What its block and the block's expressions say. */
static struct span
params_of(const struct session *s)
{
	struct hop_text	hop;

	return hop_parse(span_mem(s->hop, s->hop_octets), &hop) ? hop.params :
	    SPAN_NONE;
}

static bool
same_way(const struct session *idle, const struct session *s)
{
	return span_eq(session_set(idle), session_set(s)) &&
	    span_eq(params_of(idle), params_of(s));
}

/*
 * Its MX hosts are known: one that is idle there, for whatever domain, takes
 * the job.  True: both are gone.
 */
static bool
hand_over(struct session *s, struct hop_list *list)
{
	struct session	*other;
	struct job	*j = s->job;

	s->has_set = true;
	memcpy(s->set, list->set, sizeof(s->set));
	job_set_mx(j, session_set(s));
	TAILQ_FOREACH(other, &s->conns->idle, idle_entry)
		if (same_way(other, s) && serves(other, list, j) &&
		    (other->settled || client_suits(other->client, j)) &&
		    !move_was_there(j, &other->addr))
			break;
	if (other == NULL)
		return false;
	free(other->hop);
	other->hop = xstrndup(j->hop.p, j->hop.n);
	other->hop_octets = j->hop.n;
	s->job = NULL;
	hop_list_free(&list);
	session_free(s);
	session_resume(other, j);
	return true;
}

/* Without the hosts where the job has been. */
static void
drop_known(const struct job *j, struct hop_list *list)
{
	size_t	i, n = 0;

	for (i = 0; i < list->n; i++)
		if (move_was_there(j, &list->at[i]))
			hop_addr_clear(&list->at[i]);
		else
			list->at[n++] = list->at[i];
	list->n = n;
}

static void
got_addresses(void *arg, struct hop_list *list, const struct outcome *why)
{
	struct session	*s = arg;

	s->query = NULL;
	if (list == NULL) {
		s->why = *why;
		session_give_up(s);
		return;
	}
	if (list->has_set && hand_over(s, list))
		return;
	drop_known(s->job, list);
	tries_rested_last(s->conns, list);
	s->list = list;
	try_next(s);
}

void
tries_begin(struct session *s)
{
	struct hop_query	*q;
	struct span		 hop = { s->hop, s->hop_octets };

	s->at = 0;
	s->try_until_ms = loop_now_ms() + CONNS_TRY_MS;
	s->why = (struct outcome){ 0 };
	q = hop_resolve(s->conns->hops, hop, got_addresses, s);
	if (q != NULL)
		s->query = q;
}
