/*
 * play_queue.c - what a policy is asked behind the queue: `on deliver`, `on
 * bounce`, `on relay`.
 */
#include "config.h"

#include "mta/cmd/play.h"

/* The message has been taken; false: it was not. */
static bool
begin(struct play *pl, const struct play_wait *w)
{
	play_content(pl);
	if (pl->refused >= 0 || pl->rcpt_refused)
		return false;
	pl->facts.queue_age_ms = w->age_ms;
	pl->facts.queue_attempts = w->attempts;
	return true;
}

/* The hook is asked for an address; the facts stay as they were. */
static void
ask_for(struct play *pl, enum rs_hook hook, struct span rcpt,
    struct span command)
{
	struct policy_facts	before = pl->facts;

	pl->facts.rcpt = rcpt;
	pl->facts.rcpt_at = rs_address(rcpt).at;
	(void)play_ask(pl, hook, command);
	pl->facts.rcpt = before.rcpt;
	pl->facts.rcpt_at = before.rcpt_at;
}

void
play_delivery(struct play *pl, const struct play_wait *w)
{
	const struct routing	*r;
	const struct target	*t;
	size_t			 i, n;

	if (!begin(pl, w) || (r = play_routing(pl)) == NULL)
		return;
	t = routing_targets(r, &n);
	for (i = 0; i < n; i++)
		if (t[i].kind == TARGET_DELIVER)
			ask_for(pl, RS_HOOK_DELIVER, t[i].address,
			    arena_printf(&pl->arena, "delivery to %.*s",
			    SPAN_ARG(t[i].account)));
}

void
play_bounce(struct play *pl, const struct play_wait *w)
{
	pl->facts.bounce_kind = SPAN("failed");
	pl->facts.bounce_status = SPAN("5.0.0");
	if (begin(pl, w))
		ask_for(pl, RS_HOOK_BOUNCE, pl->facts.rcpt,
		    arena_printf(&pl->arena, "bounce to %.*s",
		    SPAN_ARG(pl->facts.sender)));
}

void
play_relay(struct play *pl, const struct play_hop *hop,
    const struct play_wait *w)
{
	struct policy_facts	before;

	if (!begin(pl, w))
		return;
	before = pl->facts;
	pl->facts.hop_name = hop->name;
	pl->facts.hop_ip = hop->ip;
	pl->facts.tls_version = hop->tls.version;
	pl->facts.tls_cipher = hop->tls.cipher;
	pl->facts.tls_verified = hop->tls.certificate.n > 0;
	ask_for(pl, RS_HOOK_RELAY, pl->facts.rcpt,
	    arena_printf(&pl->arena, "relay to %.*s", SPAN_ARG(hop->name)));
	pl->facts.tls_version = before.tls_version;
	pl->facts.tls_cipher = before.tls_cipher;
	pl->facts.tls_verified = before.tls_verified;
}
