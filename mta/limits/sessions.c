/*
 * sessions.c - counting sessions of all workers.
 */
#include "config.h"

#include <assert.h>
#include <stdlib.h>

#include "base/xalloc.h"
#include "mta/limits/sessions.h"

struct client {
	size_t		n;
	size_t		octets;
	char		name[LIMITS_CLIENT_MAX];
};

static struct span
ticket_key(const uint64_t *ticket)
{
	return span_mem(ticket, sizeof(*ticket));
}

static struct client *
client_new(struct sessions *s, struct span name)
{
	struct client	*c = xcalloc(1, sizeof(*c));

	assert(name.n <= sizeof(c->name));
	c->octets = name.n;
	if (name.n > 0)
		memcpy(c->name, name.p, name.n);
	(void)htab_put(&s->clients, name, c);
	return c;
}

enum limits_result
sessions_up(struct sessions *s, struct sessions_of *of, uint64_t ticket,
    struct span name, uint32_t sessions_max, uint32_t per_client_max)
{
	struct client	*c;

	if (htab_get(&of->by_ticket, ticket_key(&ticket)) != NULL)
		return LIMITS_OK;
	if (name.n <= LIMITS_ADDRESS_MAX && s->n >= sessions_max)
		return LIMITS_SESSIONS;
	c = htab_get(&s->clients, name);
	if ((c == NULL ? 0 : c->n) >= per_client_max)
		return LIMITS_CLIENT;
	if (c == NULL)
		c = client_new(s, name);
	c->n++;
	s->n += name.n <= LIMITS_ADDRESS_MAX;
	(void)htab_put(&of->by_ticket, ticket_key(&ticket), c);
	return LIMITS_OK;
}

static void
one_less(struct sessions *s, struct client *c)
{
	assert(c->n > 0);
	if (c->octets <= LIMITS_ADDRESS_MAX) {
		assert(s->n > 0);
		s->n--;
	}
	if (--c->n > 0)
		return;
	(void)htab_del(&s->clients, span_mem(c->name, c->octets));
	free(c);
}

void
sessions_down(struct sessions *s, struct sessions_of *of, uint64_t ticket)
{
	struct client	*c = htab_del(&of->by_ticket, ticket_key(&ticket));

	if (c != NULL)
		one_less(s, c);
}

void
sessions_drop(struct sessions *s, struct sessions_of *of)
{
	struct span	 key;
	size_t		 pos = 0;
	void		*c;

	while (htab_next(&of->by_ticket, &pos, &key, &c))
		one_less(s, c);
	htab_clear(&of->by_ticket);
}
