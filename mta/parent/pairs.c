/*
 * pairs.c - what the keys process has been given, and what it said of it.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/xalloc.h"

#include "mta/msg/msg.h"
#include "mta/parent/generation_int.h"
#include "mta/parent/pairs.h"

#define KEPT_MS	(15 * 60 * 1000)
#define SEALS	(F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)

void
pairs_init(struct pairs *all, struct chan *(*keys)(void *), void *arg)
{
	*all = (struct pairs){ .keys = keys, .arg = arg };
	TAILQ_INIT(&all->list);
}

static void
pair_free(struct pair *p)
{
	TAILQ_REMOVE(&p->all->list, p, entry);
	timer_clear(&p->kept);
	close(p->material);
	if (p->bundle != -1)
		close(p->bundle);
	free(p->why);
	free(p->names);
	free(p->algorithm);
	free(p);
}

static void
send_pair(const struct pair *p, struct chan *c)
{
	chan_begin(c, MSG_CERTIFY);
	chan_u64(c, p->ticket);
	chan_u8(c, (uint8_t)p->owner);
	for (unsigned i = 0; i < KEYS_NPARTS; i++)
		chan_u32(c, p->octets[i]);
	chan_fd(c, gen_copy(p->material));
	chan_end(c);
}

struct pair *
pair_new(struct pairs *all, enum keys_owner owner, int material,
    const uint32_t octets[KEYS_NPARTS])
{
	struct pair	*p = xcalloc(1, sizeof(*p));
	struct chan	*c = all->keys(all->arg);

	p->all = all;
	p->refs = 1;
	p->ticket = ++all->last_ticket;
	p->owner = owner;
	p->material = material;
	p->bundle = -1;
	memcpy(p->octets, octets, sizeof(p->octets));
	TAILQ_INSERT_TAIL(&all->list, p, entry);
	if (c != NULL)
		send_pair(p, c);
	return p;
}

struct pair *
pair_ref(struct pair *p)
{
	if (p == NULL)
		return NULL;
	if (p->refs++ == 0)
		timer_stop(&p->kept);
	return p;
}

static void
drop(void *arg)
{
	struct pair	*p = arg;
	struct chan	*c = p->all->keys(p->all->arg);

	if (c != NULL) {
		chan_begin(c, MSG_KEY_DROP);
		chan_u64(c, p->ticket);
		chan_end(c);
	}
	pair_free(p);
}

/* One that never served goes at once. */
void
pair_unref(struct pair **pp)
{
	struct pair	*p = *pp;

	*pp = NULL;
	if (p == NULL || --p->refs > 0)
		return;
	if (p->ok)
		timer_set(&p->kept, KEPT_MS, drop, p);
	else
		drop(p);
}

void
pairs_send(const struct pairs *all, struct chan *c)
{
	const struct pair	*p;

	TAILQ_FOREACH(p, &all->list, entry)
		if (!p->answered || p->ok)
			send_pair(p, c);
}

/* --- what keys says */

static char *
copy(struct span s)
{
	return s.n == 0 ? NULL : xstrndup(s.p, s.n);
}

static void
take(struct pair *p, struct keys_certified *k)
{
	p->answered = true;
	p->ok = k->ok;
	p->unfit = k->unfit;
	p->part = k->ok ? k->warned_part : k->part;
	p->why = copy(k->ok ? k->warning : k->why);
	p->names = copy(k->names);
	p->algorithm = copy(k->algorithm);
	p->not_before_s = k->not_before_s;
	p->not_after_s = k->not_after_s;
	p->staple_until_s = k->staple_until_s;
	p->since_ms = clock_wall_ms();
	p->bundle = k->fd;
	k->fd = -1;
}

static bool
is_sealed(int fd)
{
	int	seals = fcntl(fd, F_GET_SEALS);

	return seals != -1 && (seals & SEALS) == SEALS;
}

/* Of a pair that has its answer it comes again when keys is new. */
bool
pairs_certified(struct pairs *all, struct msg *m)
{
	struct keys_certified	 k;
	struct pair		*p;
	bool			 ok;

	if (!keys_certified_read(m, &k))
		return false;
	ok = !k.ok || is_sealed(k.fd);
	TAILQ_FOREACH(p, &all->list, entry)
		if (p->ticket == k.ticket)
			break;
	if (ok && p != NULL && !p->answered)
		take(p, &k);
	else if (p != NULL && p->ok && !k.ok)
		log_warnx("event=key-lost ticket=%llu why=%s",
		    (unsigned long long)k.ticket, log_quote(k.why));
	if (k.fd != -1)
		close(k.fd);
	return ok;
}
