/*
 * server.c - one worker: configuration, deadlines, the end.
 */
#include "config.h"

#include <inttypes.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/xalloc.h"
#include "mta/child/child.h"
#include "mta/msg/keys.h"
#include "mta/smtp/admit.h"
#include "mta/smtp/arrival.h"
#include "mta/smtp/certs.h"
#include "mta/smtp/cut_relay.h"
#include "mta/smtp/listener.h"
#include "mta/smtp/programs.h"
#include "mta/smtp/server.h"

#define SWEEP_MS	1000	/* deadlines are looked at this often */
#define BODY_THREADS	2

/*
 * One timer for all deadlines: those of single sessions would be set anew
 * with each command.  A session may end while it is looked at, and only it.
 */
static void
sweep(void *arg)
{
	struct server	*sv = arg;
	struct session	*s, *next;
	int64_t		 now = loop_now_ms();

	for (s = sv->sessions; s != NULL; s = next) {
		next = s->next;
		if (s->deadline_ms <= now)
			session_timeout(s);
	}
	if (sv->stopping)
		server_left(sv);
	if (sv->stopping && sv->stop_ms <= now && sv->stopped != NULL)
		sv->stopped(sv->stopped_arg);
	timer_set(&sv->sweep, SWEEP_MS, sweep, sv);
}

/* The same as all workers get. */
static void
on_tickets(void *arg, const struct tls_ticket_key *keys, size_t n)
{
	struct server	*sv = arg;

	if (!tls_tickets_set(sv->secure.tickets, keys, n))
		log_warnx("%zu keys of tickets are too many", n);
}

struct server *
server_new(unsigned instance, unsigned workers)
{
	struct server	*sv = xcalloc(1, sizeof(*sv));

	/*
	 * Rising over restarts too, also quick ones, so that ids are unique
	 * in a log and to who counts.
	 */
	sv->next_id = (uint64_t)instance << 58 |
	    ((uint64_t)clock_wall_ms() << 16 & ((UINT64_C(1) << 58) - 1));
	sv->instance = instance;
	sv->workers = workers;
	sv->intake = intake_new(instance);
	sv->bodies = pool_new(BODY_THREADS);
	sv->dns = dns_client_new();
	sv->callouts = callout_client_new();
	sv->cut = cut_relay_new(sv->callouts);
	sv->counters = limits_client_new();
	sv->lookup = lookup_client_new();
	sv->auth = auth_client_new();
	secure_server_init(&sv->secure);
	sv->keys = keys_client_new(on_tickets, sv);
	timer_set(&sv->sweep, SWEEP_MS, sweep, sv);
	return sv;
}

/* --- configuration */

void
server_policy(struct server *sv, uint32_t number, struct policy *p)
{
	generation_unref(&sv->gen);
	sv->gen = generation_new(number, p);
}

static uint64_t
ask_dns(void *ctx, enum dns_type type, struct span name, dns_cb *cb,
    void *arg)
{
	return dns_ask(ctx, type, name, cb, arg);
}

static void
cancel_dns(void *ctx, uint64_t ticket)
{
	dns_cancel(ctx, ticket);
}

static void
replace_listeners(struct server *sv, struct child_config *c)
{
	struct listener	*l, *list = NULL;

	for (size_t i = 0; i < c->nlisteners; i++) {
		l = listener_new(sv, c->listeners[i].fd,
		    c->listeners[i].object);
		c->listeners[i].fd = -1;
		l->next = list;
		list = l;
	}
	listeners_free(&sv->listeners);
	sv->listeners = list;
}

bool
server_config(struct server *sv, struct child_config *c)
{
	static const int	 none = -1;
	struct policy_source	 src = {
		.image_fd = c->image_fd,
		.file_fds = &none,
		.index_fds = c->table_fds != NULL ? c->table_fds : &none,
		.nindexes = c->ntables,
		.dns = { ask_dns, cancel_dns, sv->dns },
		.limits = policy_limits_by(sv->counters),
		.callouts = policy_callouts_by(sv->callouts),
		.lookup = policy_lookup_by(sv->lookup),
		.generation = c->generation,
		.later = loop_soon,
	};
	struct policy		*p;
	const char		*why;
	size_t			 i;

	if ((p = policy_open(&src, &why)) == NULL) {
		log_warnx("policy generation=%u refused why=%s",
		    (unsigned)c->generation, log_quote(span_of(why)));
		return false;
	}
	for (i = 0; i < c->nsecrets; i++)
		if (c->secrets[i].option == RS_OPT_SRS_secret)
			policy_srs_file(p, c->secrets[i].fd);
	server_policy(sv, c->generation, p);
	sv->gen->tls = certs_open(policy_image(p), c,
	    keys_client_signer(sv->keys), sv->secure.tickets);
	if (!sv->stopping)
		replace_listeners(sv, c);
	if (sv->instance == 0)		/* one of us says it */
		gateways_warn(&sv->gateways, p);
	log_info("policy generation=%u hash=%s", (unsigned)c->generation,
	    rs_image_hash(policy_image(p)));
	return true;
}

bool
server_message(struct server *sv, struct msg *m)
{
	if (m->type != MSG_GATEWAYS || !gateways_take(&sv->gateways, m))
		return false;
	if (sv->gen != NULL && sv->instance == 0)
		gateways_warn(&sv->gateways, sv->gen->policy);
	return true;
}

/* --- the end */

void
server_left(struct server *sv)
{
	if (!sv->stopping || sv->sealing || sv->sessions != NULL ||
	    !intake_idle(sv->intake))
		return;
	sv->sealing = true;
	intake_finish(sv->intake, sv->stopped, sv->stopped_arg);
}

void
server_stop(struct server *sv, uint32_t drain_ms, void (*cb)(void *),
    void *arg)
{
	struct session	*s, *next;

	if (sv->stopping)
		return;
	sv->stopping = true;
	sv->stopped = cb;
	sv->stopped_arg = arg;
	sv->stop_ms = loop_now_ms() + drain_ms;
	listeners_free(&sv->listeners);
	programs_detach(sv);
	arrivals_free(sv);
	for (s = sv->sessions; s != NULL; s = next) {
		next = s->next;
		session_stop(s);
	}
	server_left(sv);
}

unsigned
server_sessions_max(const struct server *sv)
{
	if (admit_counts(sv))
		return sv->gen->sessions_max;
	return (sv->gen->sessions_max + sv->workers - 1) / sv->workers;
}

bool
server_may_hold(const struct server *sv)
{
	return sv->held + intake_held(sv->intake) < SERVER_HELD_MAX;
}

void
server_stats(struct server *sv, struct buf *out)
{
	const struct intake_counters	*in = intake_counters(sv->intake);
	static const struct policy_counts none;
	const struct policy_counts	*cannot = sv->gen == NULL ? &none :
					    policy_counts(sv->gen->policy);

	buf_addf(out, "\"sessions\":%u,\"sessions_total\":%" PRIu64
	    ",\"commands\":%" PRIu64 ",\"refused\":%" PRIu64
	    ",\"accepted\":%" PRIu64, sv->limits.sessions, sv->count.sessions,
	    sv->count.commands, sv->count.refused, sv->count.accepted);
	buf_addf(out, ",\"batches\":%" PRIu64 ",\"syncs\":%" PRIu64
	    ",\"not_stored\":%" PRIu64 ",\"segments_sealed\":%" PRIu64
	    ",\"held_octets\":%" PRIu64, in->batches, in->syncs, in->failed,
	    in->sealed, sv->held + intake_held(sv->intake));
	buf_addf(out, ",\"cut_through\":%" PRIu64 ",\"cut_spooled\":%" PRIu64
	    ",\"cut_refused\":%" PRIu64, sv->count.cut,
	    sv->count.cut_spooled, sv->count.cut_refused);
	buf_addf(out, ",\"logins\":%" PRIu64, sv->count.logins);
	buf_addf(out, ",\"lists_cannot_say\":%" PRIu64
	    ",\"spf_cannot_say\":%" PRIu64, cannot->list_cannot,
	    cannot->spf_cannot);
	buf_add_char(out, ',');
	secure_stats(&sv->secure, out);
	if (sv->gen != NULL) {
		buf_add_char(out, ',');
		policy_tables_stats(sv->gen->policy, out);
	}
}
