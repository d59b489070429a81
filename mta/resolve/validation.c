/*
 * validation.c - the state, and its one way to change.
 */
#include "mta/resolve/validation.h"

#include "base/clock.h"
#include "base/log.h"

const char *
validation_name(const struct validation *v)
{
	static const char	*const names[] = {
		"unknown", "yes", "no", "lost"
	};

	return names[v->state];
}

static void
tell(const struct validation *v)
{
	switch (v->state) {
	case VALIDATION_UNKNOWN:
		break;
	case VALIDATION_YES:
		log_info("event=dnssec-validates resolver=%s", v->servers);
		break;
	case VALIDATION_NO:	/* one alarm until it validates */
		log_warnx("event=dnssec-missing resolver=%s why=\"%s\" "
		    "effect=\"DANE cannot be told\"", v->servers, v->anchor ?
		    "the resolver passes no signatures on" :
		    "there is no trust anchor");
		break;
	case VALIDATION_LOST:
		log_warnx("event=dnssec-lost resolver=%s why=\"the resolver "
		    "passes no signatures on any more\" "
		    "effect=\"DANE cannot be told\"", v->servers);
		break;
	}
}

static void
step(struct validation *v, enum validation_state state)
{
	if (v->state == state)
		return;
	v->state = state;
	tell(v);
	v->ops->changed(v->arg);
}

static void
probe(struct validation *v)
{
	if (v->probing)
		return;
	v->probing = true;
	timer_clear(&v->timer);
	v->ops->probe(v->arg);
}

static void
again(void *arg)
{
	probe(arg);
}

void
validation_start(struct validation *v, bool anchor, const char *servers,
    const struct validation_ops *ops, void *arg)
{
	*v = (struct validation){ .anchor = anchor, .servers = servers,
	    .ops = ops, .arg = arg };
	if (anchor)
		probe(v);
	else
		step(v, VALIDATION_NO);
}

void
validation_stop(struct validation *v)
{
	timer_clear(&v->timer);
}

void
validation_secure(struct validation *v)
{
	if (v->state == VALIDATION_LOST)	/* it may be kept from before */
		return;
	timer_clear(&v->timer);
	step(v, VALIDATION_YES);
}

bool
validation_doubt(struct validation *v)
{
	if (v->state == VALIDATION_NO || v->state == VALIDATION_LOST)
		return false;
	if (v->probing)
		return true;
	if (v->state == VALIDATION_UNKNOWN) {	/* it answers, but not this */
		step(v, VALIDATION_NO);
		return false;
	}
	if (v->trusted_ms != 0 &&
	    clock_boot_ms() - v->trusted_ms < VALIDATION_TRUST_MS)
		return false;
	probe(v);
	return true;
}

/* A resolver that is down strips nothing. */
static enum validation_state
after(const struct validation *v, enum probe_result result)
{
	switch (result) {
	case PROBE_SECURE:
		return VALIDATION_YES;
	case PROBE_STRIPPED:
		return v->state == VALIDATION_YES ||
		    v->state == VALIDATION_LOST ? VALIDATION_LOST :
		    VALIDATION_NO;
	case PROBE_FAILED:
		break;
	}
	return v->state;
}

void
validation_probed(struct validation *v, enum probe_result result)
{
	v->probing = false;
	if (result == PROBE_SECURE)
		v->trusted_ms = clock_boot_ms();
	step(v, after(v, result));
	if (v->state != VALIDATION_YES)
		timer_set(&v->timer, VALIDATION_AGAIN_MS, again, v);
	v->ops->settled(v->arg);
}
