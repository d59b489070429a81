/*
 * certs.c - the certificates of a configuration: which serve, from one
 * generation to the next, and what is said of them.
 */
#include <stdlib.h>

#include "base/clock.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/xalloc.h"

#include "mta/msg/msg.h"
#include "mta/parent/certs_int.h"

#define SOON_S	(14 * 24 * 3600)	/* a certificate that ends soon is told */

static const enum rs_option	part_options[KEYS_NPARTS] = {
	[KEYS_CERTIFICATE] = RS_OPT_TLS_certificate,
	[KEYS_KEY] = RS_OPT_TLS_key,
	[KEYS_STAPLE] = RS_OPT_TLS_staple,
	[KEYS_AUTHORITIES] = RS_OPT_TLS_client_authorities
};

struct span
cert_host(const struct generation *g, const struct cert *c)
{
	return rs_string(g->image, rs_object(g->image, c->object)->name);
}

/* --- which there are */

static struct rs_value
option_value(const struct rs_image *im, uint32_t object, enum rs_option option)
{
	const struct rs_optval	*v;
	struct rs_place		 place;

	if (!rs_option(im, object, option, 0, &v))
		return (struct rs_value){ .type = RS_T_NONE };
	place = rs_option_place(im, v, 0);
	if (place.is_func || place.index == UINT32_MAX)
		return (struct rs_value){ .type = RS_T_NONE };
	return rs_const(im, place.index);
}

static char *
path_of(struct rs_value v)
{
	return v.type == RS_T_TEXT && v.s.n > 0 ? xstrndup(v.s.p, v.s.n) :
	    NULL;
}

static struct cert *
add(struct generation *g, uint32_t object, enum keys_owner owner)
{
	struct cert	*c = &g->certs[g->ncerts++];

	c->object = object;
	c->owner = owner;
	c->wanted = true;
	return c;
}

static void
add_tls(struct generation *g, uint32_t object)
{
	struct cert	*c = add(g, object, KEYS_OF_SMTP);

	for (unsigned i = 0; i < KEYS_NPARTS; i++)
		c->paths[i] = path_of(option_value(g->image, object,
		    part_options[i]));
	cert_look(c, c->marks);
}

/* `certificate "file" key "file"` of a relay block. */
static void
add_relay(struct generation *g, uint32_t object)
{
	const struct rs_optval	*v;
	struct cert		*c;

	if (!rs_option(g->image, object, RS_OPT_RELAY_certificate, 0, &v) ||
	    v->nplaces < 2)
		return;
	c = add(g, object, KEYS_OF_RELAY);
	c->paths[KEYS_CERTIFICATE] = path_of(rs_option_const(g->image, v, 0));
	c->paths[KEYS_KEY] = path_of(rs_option_const(g->image, v, 1));
	cert_look(c, c->marks);
}

void
certs_init(struct generation *g)
{
	uint32_t	i, n = rs_nobject(g->image);

	g->certs = xcalloc(n + 1, sizeof(*g->certs));
	for (i = 0; i < n; i++) {
		if (rs_object(g->image, i)->kind == RS_O_TLS)
			add_tls(g, i);
		else if (rs_object(g->image, i)->kind == RS_O_RELAY)
			add_relay(g, i);
	}
}

void
certs_clear(struct generation *g)
{
	for (size_t i = 0; i < g->ncerts; i++) {
		struct cert	*c = &g->certs[i];

		pair_unref(&c->pair);
		pair_unref(&c->candidate);
		for (unsigned k = 0; k < KEYS_NPARTS; k++)
			free(c->paths[k]);
		free(c->why);
	}
	free(g->certs);
	g->certs = NULL;
	g->ncerts = 0;
}

bool
certs_any(const struct generation *g)
{
	return g->ncerts > 0;
}

/* The tls block without `for`. */
static bool
is_default(const struct generation *g, const struct cert *c)
{
	return c->owner == KEYS_OF_SMTP && cert_host(g, c).n == 0;
}

int64_t
certs_ticket_ms(const struct generation *g)
{
	struct rs_value	v;

	for (size_t i = 0; i < g->ncerts; i++) {
		v = option_value(g->image, g->certs[i].object,
		    RS_OPT_TLS_tickets);
		if (is_default(g, &g->certs[i]) && v.type == RS_T_TIME)
			return v.i < 0 ? 0 : v.i;
	}
	return 0;
}

/* For the log: "-" is the block without `for`. */
static const char *
host_text(const struct generation *g, const struct cert *c)
{
	struct span	host = cert_host(g, c);

	if (c->owner == KEYS_OF_RELAY)
		return host.n == 0 ? "mx" : log_quote(host);
	return host.n == 0 ? "-" : log_quote(host);
}

/* --- what is wrong */

static void
say(const struct generation *g, struct cert *c)
{
	c->unsaid_ms = 0;
	log_warnx("event=certificate-%s for=%s why=%s",
	    c->pair == NULL ? "missing" : "kept", host_text(g, c),
	    log_quote(span_of(c->why)));
}

void
cert_fail(struct generation *g, struct cert *c, const char *why, bool again,
    bool later)
{
	struct file_mark	now[KEYS_NPARTS];

	cert_look(c, now);
	c->wanted = false;
	c->again = again;
	c->failed = again ? 0 : cert_sum(now);
	free(c->why);
	c->why = xstrdup(why);
	if (later)
		c->unsaid_ms = clock_boot_ms();
	else
		say(g, c);
}

void
cert_fail_part(struct generation *g, struct cert *c, unsigned part,
    const char *why, bool later)
{
	char	*text = xasprintf("%s: %s", c->paths[part] == NULL ? "?" :
		    c->paths[part], why);

	cert_fail(g, c, text, false, later);
	free(text);
}

/* --- what the last generation has already */

static bool
same_text(const char *a, const char *b)
{
	return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

static struct cert *
find_same(const struct generation *g, const struct cert *c,
    const struct generation *old)
{
	for (size_t i = 0; old != NULL && i < old->ncerts; i++) {
		struct cert	*d = &old->certs[i];
		unsigned	 k = 0;

		while (k < KEYS_NPARTS && same_text(c->paths[k], d->paths[k]))
			k++;
		if (k == KEYS_NPARTS && c->owner == d->owner &&
		    span_eq(cert_host(g, c), cert_host(old, d)))
			return d;
	}
	return NULL;
}

/* It must not be sent any longer: the pair is examined anew, and goes without. */
static bool
staple_ended(const struct pair *p)
{
	return p->staple_until_s != 0 &&
	    p->staple_until_s <= clock_wall_ms() / 1000;
}

static void
inherit(struct cert *c, const struct cert *old)
{
	if (old == NULL)
		return;
	c->pair = pair_ref(old->pair);
	if (c->pair != NULL && !staple_ended(c->pair) &&
	    cert_sum(c->pair->marks) == cert_sum(c->marks))
		c->wanted = false;
	else if (old->why != NULL && !old->again &&
	    old->failed == cert_sum(c->marks)) {
		c->wanted = false;
		c->failed = old->failed;
		c->unsaid_ms = old->unsaid_ms;
		c->why = xstrdup(old->why);
	}
}

void
certs_inherit(struct generation *g, const struct generation *old)
{
	for (size_t i = 0; i < g->ncerts; i++)
		inherit(&g->certs[i], find_same(g, &g->certs[i], old));
}

/* --- asking */

void
certs_ask(struct generation *g, struct pairs *pairs)
{
	for (size_t i = 0; i < g->ncerts; i++)
		if (g->certs[i].wanted)
			g->certs[i].candidate = cert_copy(g, &g->certs[i],
			    pairs);
}

static void
say_used(const struct generation *g, const struct cert *c)
{
	const struct pair	*p = c->pair;

	log_info("event=certificate-read for=%s file=%s names=%s "
	    "algorithm=%s days=%lld", host_text(g, c),
	    log_quote(span_of(c->paths[KEYS_CERTIFICATE])),
	    log_quote(span_of(p->names)), p->algorithm,
	    (long long)((p->not_after_s - clock_wall_ms() / 1000) / 86400));
	if (p->why != NULL)
		log_warnx("event=certificate-warning file=%s why=%s",
		    log_quote(span_of(c->paths[p->part])),
		    log_quote(span_of(p->why)));
}

/* The answer has come. */
static void
take(struct generation *g, struct cert *c)
{
	struct pair	*p = c->candidate;

	c->wanted = false;
	if (!p->ok) {
		cert_fail_part(g, c, p->part, p->why, p->unfit &&
		    c->pair != NULL);
		pair_unref(&c->candidate);
		return;
	}
	pair_unref(&c->pair);
	c->pair = p;
	c->candidate = NULL;
	c->fresh = true;
	free(c->why);
	c->why = NULL;
	c->unsaid_ms = 0;
	say_used(g, c);
}

bool
certs_waiting(struct generation *g)
{
	bool	waiting = false;

	for (size_t i = 0; i < g->ncerts; i++) {
		struct cert	*c = &g->certs[i];

		if (c->candidate == NULL)
			continue;
		if (c->candidate->answered)
			take(g, c);
		else
			waiting = true;
	}
	return waiting;
}

void
certs_give_up(struct generation *g, const char *why)
{
	for (size_t i = 0; i < g->ncerts; i++) {
		if (g->certs[i].candidate == NULL)
			continue;
		pair_unref(&g->certs[i].candidate);
		cert_fail(g, &g->certs[i], why, true, false);
	}
}

/* --- what came of it */

bool
certs_good(const struct generation *g, bool start, char **why)
{
	const struct cert	*bad = NULL;
	size_t			 good = 0;

	for (size_t i = 0; i < g->ncerts; i++) {
		const struct cert	*c = &g->certs[i];

		if (c->pair != NULL)
			good += c->owner == KEYS_OF_SMTP;
		else if (start && c->owner == KEYS_OF_RELAY)
			continue;	/* its hops wait for it */
		else if (bad == NULL || is_default(g, c))
			bad = c;
	}
	if (bad == NULL ||
	    (start && good > 0 && !is_default(g, bad)))
		return true;
	*why = xasprintf("%s%.*s: %s", bad->owner == KEYS_OF_RELAY ?
	    "relay " : cert_host(g, bad).n > 0 ? "tls for " : "tls",
	    SPAN_ARG(cert_host(g, bad)), bad->why == NULL ? "?" : bad->why);
	return false;
}

bool
certs_have_new(const struct generation *g)
{
	for (size_t i = 0; i < g->ncerts; i++)
		if (g->certs[i].fresh)
			return true;
	return false;
}

bool
certs_need_again(const struct generation *g)
{
	for (size_t i = 0; i < g->ncerts; i++)
		if (g->certs[i].again)
			return true;
	return false;
}

void
certs_take_faults(struct generation *g, struct generation *from)
{
	for (size_t i = 0; i < from->ncerts; i++) {
		struct cert	*c = &from->certs[i];
		struct cert	*same = find_same(from, c, g);

		if (same == NULL)
			continue;
		free(same->why);
		same->why = c->why;
		c->why = NULL;
		same->failed = c->failed;
		same->again = c->again;
		same->unsaid_ms = c->unsaid_ms;
	}
}

/* --- watching */

static int
changed(const struct cert *c)
{
	struct file_mark	now[KEYS_NPARTS];
	int			what = CERTS_SAME;

	if (c->pair != NULL && staple_ended(c->pair))
		what = CERTS_RENAMED;
	cert_look(c, now);
	for (unsigned i = 0; i < KEYS_NPARTS; i++) {
		if (file_mark_same(&now[i], &c->marks[i]))
			continue;
		if (!file_mark_renamed(&now[i], &c->marks[i]))
			return CERTS_CHANGED;
		what = CERTS_RENAMED;
	}
	return what;
}

int
certs_changed(const struct generation *g)
{
	int	what = CERTS_SAME, one;

	for (size_t i = 0; i < g->ncerts; i++) {
		one = changed(&g->certs[i]);
		if (one == CERTS_CHANGED)
			return CERTS_CHANGED;
		if (one != CERTS_SAME)
			what = one;
	}
	return what;
}

uint64_t
certs_look(const struct generation *g)
{
	struct file_mark	now[KEYS_NPARTS];
	uint64_t		sum = 0;

	for (size_t i = 0; i < g->ncerts; i++) {
		cert_look(&g->certs[i], now);
		sum = sum * 31 + cert_sum(now);
		if (g->certs[i].pair != NULL)
			sum += staple_ended(g->certs[i].pair);
	}
	return sum;
}

static bool
ends_soon(const struct pair *p)
{
	return p->not_after_s - clock_wall_ms() / 1000 < SOON_S;
}

void
certs_remind(struct generation *g)
{
	for (size_t i = 0; i < g->ncerts; i++) {
		struct cert	*c = &g->certs[i];

		if (c->unsaid_ms != 0 && c->why != NULL &&
		    clock_boot_ms() - c->unsaid_ms >= CERTS_UNFIT_MS)
			say(g, c);
		if (c->pair == NULL || c->pair->told_expiry ||
		    !ends_soon(c->pair))
			continue;
		c->pair->told_expiry = true;
		log_warnx("event=certificate-ends file=%s days=%lld",
		    log_quote(span_of(c->paths[KEYS_CERTIFICATE])),
		    (long long)((c->pair->not_after_s -
		    clock_wall_ms() / 1000) / 86400));
	}
}

/* --- telling */

void
certs_send(const struct generation *g, struct chan *ch, enum keys_owner owner)
{
	for (size_t i = 0; i < g->ncerts; i++) {
		const struct cert	*c = &g->certs[i];

		if (c->pair == NULL || c->owner != owner)
			continue;
		chan_begin(ch, MSG_CONFIG_CERT);
		chan_u32(ch, g->number);
		chan_u32(ch, c->object);
		chan_fd(ch, gen_copy(c->pair->bundle));
		chan_end(ch);
	}
}

/* good; old: an earlier pair serves; none: nothing does. */
static void
put_pair(const struct pair *p, struct json *j)
{
	json_str(j, "names", p->names == NULL ? "" : p->names);
	json_str(j, "algorithm", p->algorithm == NULL ? "" : p->algorithm);
	json_int(j, "not_before_ms", p->not_before_s * 1000);
	json_int(j, "not_after_ms", p->not_after_s * 1000);
	json_int(j, "since_ms", p->since_ms);
	json_bool(j, "ends_soon", ends_soon(p));
	if (p->why != NULL)
		json_str(j, "warning", p->why);
}

void
certs_json(const struct generation *g, struct json *j)
{
	json_array(j, "certificates");
	for (size_t i = 0; i < g->ncerts; i++) {
		const struct cert	*c = &g->certs[i];

		json_object(j, NULL);
		json_text(j, c->owner == KEYS_OF_RELAY ? "relay" : "for",
		    cert_host(g, c));
		json_str(j, "file", c->paths[KEYS_CERTIFICATE]);
		json_str(j, "state", c->pair == NULL ? "none" :
		    c->why == NULL ? "good" : "old");
		if (c->pair != NULL)
			put_pair(c->pair, j);
		if (c->why != NULL)
			json_str(j, "why", c->why);
		json_object_end(j);
	}
	json_array_end(j);
}
