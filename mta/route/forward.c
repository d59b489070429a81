/*
 * forward.c - forward files for the routings.
 */
#include "mta/route/forward.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/hash.h"
#include "base/loop.h"
#include "base/xalloc.h"
#include "mta/msg/msg.h"

#define NONE_MS		10000	/* that there is none is believed so long */
#define NONE_MAX	20000	/* of these; then all are forgotten */
#define ANSWER_MS	60000	/* the queue says LATER before */

struct wanted {
	struct wanted		*next;
	uint64_t		 ticket;
	char			*key;
	struct timer		 late;
	policy_forward_cb	*cb;
	void			*arg;
};

static struct {
	struct chan	*queue;
	uint64_t	 serial;
	struct wanted	*first;
	struct htab	 none;		/* key: until when, in seconds of the boot clock */
	uint64_t	 asked, remembered;
} f;

/* --- what is remembered */

static uintptr_t
now_s(void)
{
	return (uintptr_t)(clock_boot_ms() / 1000) + 1;
}

static bool
is_none(struct span key)
{
	uintptr_t	until = (uintptr_t)htab_get(&f.none, key);

	if (until == 0)
		return false;
	if (until > now_s())
		return true;
	(void)htab_del(&f.none, key);
	return false;
}

static void
remember_none(struct span key)
{
	if (f.none.n >= NONE_MAX)
		htab_clear(&f.none);
	(void)htab_put(&f.none, key,
	    (void *)(now_s() + NONE_MS / 1000));
}

/* --- questions */

static void
wanted_free(struct wanted *w)
{
	struct wanted	**at = &f.first;

	while (*at != w)
		at = &(*at)->next;
	*at = w->next;
	timer_clear(&w->late);
	free(w->key);
	free(w);
}

static void
tell(struct wanted *w, enum forward_result is, bool commands,
    struct span text)
{
	policy_forward_cb	*cb = w->cb;
	void			*arg = w->arg;

	wanted_free(w);
	cb(arg, is, commands, text);
}

static void
on_late(void *arg)
{
	tell(arg, FORWARD_LATER, false, SPAN_NONE);
}

static uint64_t
want(void *ctx, uint32_t uid, uint32_t gid, struct span path,
    policy_forward_cb *cb, void *arg)
{
	struct buf	 key = { 0 };
	struct wanted	*w;

	(void)ctx;
	buf_addf(&key, "%u %.*s", uid, SPAN_ARG(path));
	if (is_none(buf_span(&key)) || f.queue == NULL) {
		f.remembered += f.queue != NULL;
		cb(arg, f.queue != NULL ? FORWARD_NONE : FORWARD_LATER, false,
		    SPAN_NONE);
		buf_clear(&key);
		return 0;
	}
	f.asked++;
	w = xcalloc(1, sizeof(*w));
	w->ticket = ++f.serial;
	w->key = xstrdup(buf_cstr(&key));
	w->cb = cb;
	w->arg = arg;
	w->next = f.first;
	f.first = w;
	timer_set(&w->late, ANSWER_MS, on_late, w);
	chan_begin(f.queue, MSG_FORWARD_WANTED);
	chan_u64(f.queue, w->ticket);
	chan_u32(f.queue, uid);
	chan_u32(f.queue, gid);
	chan_bytes(f.queue, path);
	chan_end(f.queue);
	buf_clear(&key);
	return w->ticket;
}

static struct wanted *
find(uint64_t ticket)
{
	struct wanted	*w;

	for (w = f.first; w != NULL && w->ticket != ticket; w = w->next)
		;
	return w;
}

static void
cancel(void *ctx, uint64_t ticket)
{
	struct wanted	*w = find(ticket);

	(void)ctx;
	if (w != NULL)
		wanted_free(w);
}

bool
forward_message(struct msg *m)
{
	struct wanted	*w = find(msg_u64(m));
	unsigned	 is = msg_u8(m);
	bool		 commands = msg_u8(m) != 0;
	struct span	 text = msg_bytes(m, FORWARD_MAX);

	if (!msg_end(m) || is >= FORWARD_NRESULTS)
		return false;
	if (w == NULL)
		return true;
	if (is == FORWARD_NONE || is == FORWARD_UNSAFE)
		remember_none(span_of(w->key));
	tell(w, (enum forward_result)is, commands, text);
	return true;
}

void
forward_queue(struct chan *c)
{
	f.queue = c;
	htab_clear(&f.none);
	while (c == NULL && f.first != NULL)
		wanted_free(f.first);
}

struct policy_forward
forward_reader(void)
{
	return (struct policy_forward){ .read = want, .cancel = cancel };
}

void
forward_stats(struct buf *out)
{
	buf_addf(out, "\"forwards_asked\":%llu,\"forwards_remembered\":%llu",
	    (unsigned long long)f.asked, (unsigned long long)f.remembered);
}
