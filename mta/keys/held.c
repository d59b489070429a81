/*
 * held.c - private keys: how they come, are found, and go.
 */
#include "mta/keys/held.h"

#include <sys/mman.h>
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fileio.h"
#include "base/log.h"
#include "base/xalloc.h"
#include "mta/msg/msg.h"

#include "mta/keys/pair.h"

#define SEALS	(F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)

static struct span
span_of_id(const uint8_t id[TLS_KEY_ID_SIZE])
{
	return span_mem(id, TLS_KEY_ID_SIZE);
}

static struct span
span_of_ticket(const uint64_t *ticket)
{
	return span_mem(ticket, sizeof(*ticket));
}

/* CERTIFY */
struct question {
	uint64_t	 ticket;
	enum keys_owner	 owner;
	uint32_t	 octets[KEYS_NPARTS];
	int		 fd;
};

/* What one has brought. */
struct brought {
	struct held	*held;
	enum keys_owner	 owner;
};

const struct held *
held_find(const struct keys_service *s, enum keys_owner owner,
    const uint8_t id[TLS_KEY_ID_SIZE])
{
	const struct held	*h = htab_get(&s->by_id, span_of_id(id));

	return h == NULL || h->tickets[owner] == 0 ? NULL : h;
}

/* --- keeping */

/* The same key may come with several certificates, or with the next of them. */
static void
hold(struct keys_service *s, const struct question *q, struct pair *p)
{
	struct held	*h = htab_get(&s->by_id, span_of_id(p->id));
	struct brought	*b = xcalloc(1, sizeof(*b));

	if (h == NULL) {
		h = xcalloc(1, sizeof(*h));
		memcpy(h->id, p->id, sizeof(h->id));
		h->key = p->key;
		h->quick = EVP_PKEY_is_a(p->key, "EC") &&
		    EVP_PKEY_get_bits(p->key) <= 256;
		p->key = NULL;
		(void)htab_put(&s->by_id, span_of_id(h->id), h);
	}
	h->tickets[q->owner]++;
	*b = (struct brought){ h, q->owner };
	(void)htab_put(&s->by_ticket, span_of_ticket(&q->ticket), b);
}

/* Threads that sign with it now have references of their own. */
static void
release(struct keys_service *s, struct brought *b)
{
	struct held	*h = b->held;
	size_t		 left = 0;

	h->tickets[b->owner]--;
	free(b);
	for (unsigned i = 0; i < KEYS_NOWNERS; i++)
		left += h->tickets[i];
	if (left > 0)
		return;
	(void)htab_del(&s->by_id, span_of_id(h->id));
	EVP_PKEY_free(h->key);		/* wipes it */
	free(h);
}

bool
held_drop(struct keys_service *s, struct msg *m)
{
	uint64_t	 ticket = msg_u64(m);
	struct brought	*b;

	if (!msg_end(m))
		return false;
	if ((b = htab_del(&s->by_ticket, span_of_ticket(&ticket))) != NULL)
		release(s, b);
	return true;
}

void
held_clear(struct keys_service *s)
{
	struct span	 key;
	void		*b;
	size_t		 pos = 0;

	while (htab_next(&s->by_ticket, &pos, &key, &b))
		release(s, b);
	htab_clear(&s->by_ticket);
	htab_clear(&s->by_id);
}

/* --- examining */

static bool
question_read(struct msg *m, struct question *q)
{
	bool		ok;
	unsigned	owner;

	q->ticket = msg_u64(m);
	owner = msg_u8(m);
	ok = owner < KEYS_NOWNERS;
	q->owner = ok ? (enum keys_owner)owner : KEYS_OF_SMTP;
	for (unsigned i = 0; i < KEYS_NPARTS; i++) {
		q->octets[i] = msg_u32(m);
		ok = ok && q->octets[i] <= KEYS_PART_MAX;
	}
	q->fd = msg_fd(m);
	if (msg_end(m) && ok)
		return true;
	if (q->fd != -1)
		close(q->fd);
	return false;
}

/* -1: it is not as long as was said, or may still change. */
static int
map_parts(const struct question *q, struct span *all,
    struct span parts[KEYS_NPARTS])
{
	size_t		 n = 0, at = 0;
	struct stat	 st;
	int		 seals = fcntl(q->fd, F_GET_SEALS);
	void		*p;

	for (unsigned i = 0; i < KEYS_NPARTS; i++)
		n += q->octets[i];
	if (seals == -1 || (seals & SEALS) != SEALS || n == 0 ||
	    fstat(q->fd, &st) == -1 || (uint64_t)st.st_size != n)
		return -1;
	p = mmap(NULL, n, PROT_READ, MAP_PRIVATE, q->fd, 0);
	if (p == MAP_FAILED)
		return -1;
	(void)madvise(p, n, MADV_DONTDUMP);
	*all = span_mem(p, n);
	for (unsigned i = 0; i < KEYS_NPARTS; i++) {
		parts[i] = span_mem(all->p + at, q->octets[i]);
		at += q->octets[i];
	}
	return 0;
}

/* A memfd that nobody can change any more; -1. */
static int
sealed(struct span octets)
{
	int	fd = memfd_create("waybill-certificate", MFD_CLOEXEC |
		    MFD_ALLOW_SEALING);

	if (fd != -1 && file_write_all(fd, octets.p, octets.n) == 0 &&
	    fcntl(fd, F_ADD_SEALS, SEALS) == 0)
		return fd;
	if (fd != -1)
		close(fd);
	return -1;
}

static void
refuse(struct chan *parent, uint64_t ticket, const struct pair_fault *f)
{
	struct keys_certified	k = { .ticket = ticket, .fd = -1 };

	k.part = f->part;
	k.unfit = f->unfit;
	k.why = buf_span(&f->why);
	keys_certified_put(parent, &k);
}

static void
refuse_for(struct chan *parent, uint64_t ticket, const char *why)
{
	struct pair_fault	f = { .part = KEYS_CERTIFICATE };

	buf_add_str(&f.why, why);
	refuse(parent, ticket, &f);
	buf_clear(&f.why);
}

static void
certify(struct keys_service *s, struct chan *parent, const struct question *q,
    struct pair *p)
{
	struct keys_certified	k = { .ticket = q->ticket, .ok = true };

	if ((k.fd = sealed(buf_span(&p->bundle))) == -1) {
		refuse_for(parent, q->ticket, strerror(errno));
		return;
	}
	k.warned_part = p->warned_part;
	k.warning = buf_span(&p->warning);
	k.names = buf_span(&p->names);
	k.algorithm = buf_span(&p->algorithm);
	k.not_before_s = p->not_before_s;
	k.not_after_s = p->not_after_s;
	k.staple_until_s = p->staple_until_s;
	keys_certified_put(parent, &k);
	hold(s, q, p);
	s->certified++;
}

static void
examine(struct keys_service *s, struct chan *parent, const struct question *q,
    const struct span parts[KEYS_NPARTS])
{
	struct pair		p;
	struct pair_fault	f;
	int64_t			now_s = clock_wall_ms() / 1000;

	if ((q->owner == KEYS_OF_RELAY ? pair_read_client(parts, now_s, &p,
	    &f) : pair_read(parts, now_s, &p, &f)) == 0)
		certify(s, parent, q, &p);
	else {
		refuse(parent, q->ticket, &f);
		s->refused++;
	}
	pair_clear(&p);
	pair_fault_clear(&f);
}

bool
held_certify(struct keys_service *s, struct chan *parent, struct msg *m)
{
	struct question	q;
	struct span	all, parts[KEYS_NPARTS];

	if (!question_read(m, &q))
		return false;
	if (htab_get(&s->by_ticket, span_of_ticket(&q.ticket)) != NULL)
		refuse_for(parent, q.ticket, "asked twice");
	else if (s->by_ticket.n >= KEYS_HELD_MAX)
		refuse_for(parent, q.ticket, "too many certificates");
	else if (map_parts(&q, &all, parts) == -1)
		refuse_for(parent, q.ticket, "cannot be read");
	else {
		examine(s, parent, &q, parts);
		(void)munmap((void *)(uintptr_t)all.p, all.n);
	}
	close(q.fd);
	return true;
}
