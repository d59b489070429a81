/*
 * tickets.c - the keys of session tickets, changed in time.
 */
#include "mta/keys/tickets.h"

#include <stdlib.h>

#include <openssl/crypto.h>

#include "base/digest.h"

static void on_time(void *);

void
tickets_init(struct tickets *t, void (*changed)(void *), void *arg)
{
	*t = (struct tickets){ .changed = changed, .arg = arg };
	t->keys = OPENSSL_secure_zalloc(TICKETS_KEYS * sizeof(*t->keys));
	if (t->keys == NULL)
		abort();
}

static void
forget(struct tickets *t)
{
	OPENSSL_cleanse(t->keys, TICKETS_KEYS * sizeof(*t->keys));
	t->n = 0;
}

/* A new one before the others; the last one goes. */
static void
turn(struct tickets *t)
{
	memmove(t->keys + 1, t->keys, (TICKETS_KEYS - 1) * sizeof(*t->keys));
	random_bytes(t->keys, sizeof(*t->keys));
	if (t->n < TICKETS_KEYS)
		t->n++;
	timer_set(&t->timer, t->lifetime_ms, on_time, t);
	t->changed(t->arg);
}

static void
on_time(void *arg)
{
	turn(arg);
}

void
tickets_live(struct tickets *t, int64_t lifetime_ms)
{
	if (lifetime_ms == t->lifetime_ms)
		return;
	t->lifetime_ms = lifetime_ms;
	forget(t);
	if (lifetime_ms > 0)
		turn(t);
	else {
		timer_stop(&t->timer);
		t->changed(t->arg);
	}
}

void
tickets_clear(struct tickets *t)
{
	timer_clear(&t->timer);
	OPENSSL_secure_clear_free(t->keys, TICKETS_KEYS * sizeof(*t->keys));
	*t = (struct tickets){ .keys = NULL };
}
