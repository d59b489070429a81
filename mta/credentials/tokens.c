/*
 * tokens.c - access tokens of logins.
 */
#include "config.h"

#include <sys/queue.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/log.h"
#include "base/xalloc.h"

#include "mta/credentials/grant.h"
#include "mta/credentials/kept.h"
#include "mta/credentials/reply.h"
#include "mta/credentials/secrets.h"
#include "mta/credentials/tokens.h"

#define WHY_MAX		600

struct token_wait {
	TAILQ_ENTRY(token_wait)	 entry;
	struct token		*token;
	token_cb		*cb;
	void			*arg;
	bool			*told;		/* before tokens_get() returns */
};

/* Of one login of one relay block. */
struct token {
	TAILQ_ENTRY(token)	 entry;		/* used last: at the end */
	struct tokens		*all;
	struct source		*source;	/* that it is of; another digest: begun anew */
	char			*key;		/* block, NUL, login */
	size_t			 nkey;
	char			*login;
	TAILQ_HEAD(, token_wait) waits;
	bool			 busy;		/* it is being asked for */
	bool			 stale;		/* what is being asked for is of an older source */
	char			*octets;	/* NULL: none */
	int64_t			 until_ms;
	char			*refresh;	/* given in the place of the administrator's; NULL: not asked yet */
	bool			 unkept;	/* it is in memory alone: the disk was full, or the like */
	char			 asked[KEPT_NAME]; /* where one belongs that the endpoint gives now; "" */
	unsigned		 failures;	/* in a row */
	int64_t			 not_before_ms;	/* after a failure */
	enum token_result	 last;		/* the failure */
	char			 why[WHY_MAX];
};

struct tokens {
	struct tokens_how	 how;
	struct htab		 by_key;
	TAILQ_HEAD(, token)	 used;
	size_t			 n;
};

struct tokens *
tokens_new(const struct tokens_how *how)
{
	struct tokens	*all = xcalloc(1, sizeof(*all));

	all->how = *how;
	TAILQ_INIT(&all->used);
	return all;
}

static void
wipe(char **p)
{
	if (*p != NULL)
		explicit_bzero(*p, strlen(*p));
	free(*p);
	*p = NULL;
}

static struct span
key_of(const struct token *t)
{
	return span_mem(t->key, t->nkey);
}

static void
token_free(struct token *t)
{
	(void)htab_del(&t->all->by_key, key_of(t));
	TAILQ_REMOVE(&t->all->used, t, entry);
	t->all->n--;
	source_unref(&t->source);
	wipe(&t->octets);
	wipe(&t->refresh);
	free(t->key);
	free(t->login);
	free(t);
}

void
tokens_free(struct tokens **allp)
{
	struct tokens	*all = *allp;

	*allp = NULL;
	if (all == NULL)
		return;
	while (!TAILQ_EMPTY(&all->used))
		token_free(TAILQ_FIRST(&all->used));
	htab_clear(&all->by_key);
	free(all);
}

size_t
tokens_count(const struct tokens *all)
{
	return all->n;
}

/* --- who waits */

/* Those who come while these are told wait for the next. */
static void
tell(struct token *t, enum token_result is, struct span octets,
    const char *why)
{
	TAILQ_HEAD(, token_wait) now = TAILQ_HEAD_INITIALIZER(now);
	struct token_wait	*w;
	token_cb		*cb;
	void			*arg;

	TAILQ_CONCAT(&now, &t->waits, entry);
	while ((w = TAILQ_FIRST(&now)) != NULL) {
		TAILQ_REMOVE(&now, w, entry);
		cb = w->cb;
		arg = w->arg;
		if (w->told != NULL)
			*w->told = true;
		free(w);
		if (cb != NULL)
			cb(arg, is, octets, why);
	}
}

void
tokens_cancel(struct token_wait **wp)
{
	struct token_wait	*w = *wp;

	*wp = NULL;
	if (w != NULL)
		w->cb = NULL;	/* it is freed when the answer comes */
}

/* --- what came of it */

static void
keep(struct token *t, struct span octets, int64_t expires_ms)
{
	int64_t	early = expires_ms / 10 < TOKENS_EARLY_MS ?
		    expires_ms / 10 : TOKENS_EARLY_MS;

	wipe(&t->octets);
	t->octets = xstrndup(octets.p, octets.n);
	t->until_ms = t->all->how.now_ms() + expires_ms - early;
	t->failures = 0;
	t->not_before_ms = 0;
}

static int64_t
backoff_ms(const struct token *t, enum token_result is)
{
	int64_t	ms = TOKENS_BACKOFF_MS;

	if (is == TOKEN_REFUSED)
		return TOKENS_REFUSED_MS;
	ms <<= t->failures < 8 ? t->failures : 8;
	return ms < TOKENS_BACKOFF_MAX_MS ? ms : TOKENS_BACKOFF_MAX_MS;
}

static void
note_failure(struct token *t, enum token_result is, const char *why)
{
	t->last = is;
	t->not_before_ms = t->all->how.now_ms() + backoff_ms(t, is);
	if (t->failures < 100)
		t->failures++;
	(void)snprintf(t->why, sizeof(t->why), "%s", why);
	log_warnx("event=token relay=%s login=%s result=%s failures=%u why=%s",
	    t->source->relay, log_quote(span_of(t->login)),
	    is == TOKEN_REFUSED ? "refused" : "later", t->failures,
	    log_quote(span_of(why)));
}

static void	start(struct token *);

/* An answer to another question than is asked now; who waits is asked for anew. */
static bool
was_stale(struct token *t)
{
	t->busy = false;
	if (!t->stale)
		return false;
	t->stale = false;
	start(t);
	return true;
}

static void
failed(struct token *t, enum token_result is, const char *why)
{
	if (was_stale(t))
		return;
	note_failure(t, is, why);
	tell(t, is, SPAN_NONE, why);
}

static void
came(struct token *t, struct span octets, int64_t expires_ms)
{
	if (was_stale(t))
		return;
	keep(t, octets, expires_ms);
	log_info("event=token relay=%s login=%s result=new for=%llds",
	    t->source->relay, log_quote(span_of(t->login)),
	    (long long)(expires_ms / 1000));
	tell(t, TOKEN_HAVE, span_of(t->octets), "");
}

/* --- OAuth 2 */

/* What the administrator gave for this login: another one begins anew. */
static void
name_of(const struct token *t, char name[KEPT_NAME])
{
	const struct source	*s = t->source;
	struct span		 given;
	struct buf		 parts = { 0 };

	given = secrets_either(buf_span(&s->secret), span_of(t->login));
	(void)buf_reserve(&parts, strlen(s->url) + strlen(s->client) +
	    strlen(t->login) + given.n + 8);
	buf_addf(&parts, "%s%c%s%c%s%c", s->url, 0, s->client, 0, t->login, 0);
	buf_add_span(&parts, given);
	kept_name(buf_span(&parts), name);
	explicit_bzero(parts.base, parts.cap);
	buf_clear(&parts);
}

static struct span
refresh_token(struct token *t)
{
	struct buf	kept = { 0 };
	char		name[KEPT_NAME];

	if (t->refresh == NULL && t->all->how.folder != -1) {
		name_of(t, name);
		(void)buf_reserve(&kept, REPLY_TOKEN_MAX + 1);
		if (kept_get(t->all->how.folder, name, &kept))
			t->refresh = xstrndup(buf_span(&kept).p, kept.n);
		explicit_bzero(kept.base, kept.cap);
		buf_clear(&kept);
	}
	return t->refresh != NULL ? span_of(t->refresh) :
	    secrets_either(buf_span(&t->source->secret), span_of(t->login));
}

static void
put_refresh(struct token *t, const char *name)
{
	t->unkept = t->all->how.folder != -1 && !kept_put(t->all->how.folder,
	    name, span_of(t->refresh));
}

/*
 * The older one may be of no use from now on, also where the source has changed
 * meanwhile: what does not concern the administrator's token (a scope, the
 * client's secret) leaves the name as it was.
 */
static void
take_refresh(struct token *t, const char *refresh)
{
	char	name[KEPT_NAME];

	if (!t->source->has_refresh || t->asked[0] == '\0')
		return;
	name_of(t, name);
	if (strcmp(name, t->asked) != 0)
		return;
	if (refresh != NULL && !span_eq(refresh_token(t), span_of(refresh))) {
		wipe(&t->refresh);
		t->refresh = xstrdup(refresh);
		put_refresh(t, name);
	} else if (t->unkept)
		put_refresh(t, name);
}

static void
failed_because(struct token *t, enum token_result is, const char *what,
    const char *why)
{
	char	text[2 * WHY_MAX];

	(void)snprintf(text, sizeof(text), "%s %s", what, why);
	failed(t, is, text);
}

static void
take_reply(struct token *t, const struct http_answer *a)
{
	struct token_reply	r;
	const char		*why;
	char			 what[64];

	(void)snprintf(what, sizeof(what), "the token endpoint answers %u:",
	    a->status);
	if (!token_reply_parse(a->body, &r, &why))
		failed_because(t, TOKEN_LATER, what, why);
	else if (r.token == NULL)
		failed_because(t, a->status < 500 && a->status != 429 &&
		    grant_is_refused(r.error) ? TOKEN_REFUSED : TOKEN_LATER,
		    what, r.error);
	else if (a->status != 200)
		failed_because(t, TOKEN_LATER, what, "and yet a token");
	else {
		take_refresh(t, r.refresh);
		came(t, span_of(r.token), r.expires_s > 0 ?
		    r.expires_s * 1000 : TOKENS_UNKNOWN_MS);
	}
	token_reply_clear(&r);
}

static void
on_http(void *arg, const struct http_answer *a)
{
	struct token	*t = arg;
	char		 why[WHY_MAX];

	if (a->result == HTTP_DONE) {
		take_reply(t, a);
		return;
	}
	(void)snprintf(why, sizeof(why), "%s: %.*s",
	    http_result_name(a->result), SPAN_ARG(a->why));
	failed_because(t, TOKEN_LATER, "the token endpoint cannot be asked:",
	    why);
}

static void
ask_endpoint(struct token *t)
{
	struct span		 refresh = SPAN_NONE;
	struct http_question	 q = { .method = HTTP_POST,
	    .url = span_of(t->source->url), .octets_max = REPLY_JSON_MAX,
	    .type = SPAN("application/x-www-form-urlencoded"),
	    .seconds = TOKENS_HTTP_S };
	struct grant		 g;

	if (t->source->has_refresh && (refresh = refresh_token(t)).n == 0) {
		failed(t, TOKEN_REFUSED, "there is no refresh token for this "
		    "login");
		return;
	}
	t->asked[0] = '\0';
	if (t->source->has_refresh)
		name_of(t, t->asked);
	grant_write(&g, t->source, refresh);
	q.headers = buf_span(&g.headers);
	q.body = buf_span(&g.body);
	(void)t->all->how.http(t->all->how.ctx, &q, on_http, t);
	grant_clear(&g);
}

/* --- commands */

/* The token alone, or what an endpoint would answer. */
static void
on_run(void *arg, bool ok, struct span output, const char *why)
{
	struct token		*t = arg;
	struct token_reply	 r;
	struct span		 line = span_trim(secrets_first(output));
	const char		*what = "the token command:";

	if (!ok)
		failed_because(t, TOKEN_LATER, what, why);
	else if (line.n == 0 || line.n > REPLY_TOKEN_MAX)
		failed_because(t, TOKEN_LATER, what, "it prints no token");
	else if (line.p[0] != '{')
		came(t, line, TOKENS_COMMAND_MS);
	else if (!token_reply_parse(span_trim(output), &r, &why))
		failed_because(t, TOKEN_LATER, what, why);
	else {
		if (r.token == NULL)
			failed_because(t, TOKEN_LATER, what, r.error);
		else
			came(t, span_of(r.token), r.expires_s > 0 ?
			    r.expires_s * 1000 : TOKENS_COMMAND_MS);
		token_reply_clear(&r);
	}
}

static void
start(struct token *t)
{
	t->busy = true;
	if (t->source->kind == SOURCE_OAUTH)
		ask_endpoint(t);
	else
		t->all->how.run(t->all->how.ctx, t->source, span_of(t->login),
		    on_run, t);
}

/* --- asking */

static char *
make_key(const struct source *s, struct span login, size_t *n)
{
	size_t	relay = strlen(s->relay) + 1;
	char	*key;

	*n = relay + login.n;
	key = xcalloc(1, *n + 1);
	memcpy(key, s->relay, relay);
	if (login.n > 0)
		memcpy(key + relay, login.p, login.n);
	return key;
}

/* Those that nobody asks for just now. */
static void
make_room(struct tokens *all)
{
	struct token	*t;

	if (all->n < TOKENS_MAX)
		return;
	TAILQ_FOREACH(t, &all->used, entry)
		if (!t->busy && TAILQ_EMPTY(&t->waits)) {
			token_free(t);
			return;
		}
}

static struct token *
token_new(struct tokens *all, struct source *s, struct span login)
{
	struct token	*t;

	make_room(all);
	t = xcalloc(1, sizeof(*t));
	t->all = all;
	t->source = source_ref(s);
	t->key = make_key(s, login, &t->nkey);
	t->login = xstrndup(login.n > 0 ? login.p : "", login.n);
	TAILQ_INIT(&t->waits);
	TAILQ_INSERT_TAIL(&all->used, t, entry);
	(void)htab_put(&all->by_key, key_of(t), t);
	all->n++;
	return t;
}

static struct token *
token_find(const struct tokens *all, const struct source *s,
    struct span login)
{
	size_t		 n;
	char		*key = make_key(s, login, &n);
	struct token	*t = htab_get(&all->by_key, span_mem(key, n));

	free(key);
	return t;
}

/* Somebody has changed what it comes from: it begins anew. */
static void
renew(struct token *t, struct source *s)
{
	bool	same = memcmp(t->source->digest, s->digest,
		    SOURCE_DIGEST) == 0;

	source_unref(&t->source);
	t->source = source_ref(s);
	if (same)
		return;
	wipe(&t->octets);
	wipe(&t->refresh);
	t->unkept = false;
	t->failures = 0;
	t->not_before_ms = 0;
	t->stale = t->busy;
}

static struct token *
token_of(struct tokens *all, struct source *s, struct span login)
{
	struct token	*t = token_find(all, s, login);

	if (t == NULL)
		return token_new(all, s, login);
	TAILQ_REMOVE(&all->used, t, entry);
	TAILQ_INSERT_TAIL(&all->used, t, entry);
	renew(t, s);
	return t;
}

/* Whoever writes the file renews it; it is read when it changes. */
static void
from_file(const struct source *s, struct span login, token_cb *cb, void *arg)
{
	struct span	octets;

	octets = span_trim(secrets_either(buf_span(&s->secret), login));
	if (octets.n == 0)
		cb(arg, TOKEN_REFUSED, SPAN_NONE,
		    "the file has no token for this login");
	else
		cb(arg, TOKEN_HAVE, octets, "");
}

static struct token_wait *
wait_for(struct token *t, token_cb *cb, void *arg)
{
	struct token_wait	*w = xcalloc(1, sizeof(*w));

	w->token = t;
	w->cb = cb;
	w->arg = arg;
	TAILQ_INSERT_TAIL(&t->waits, w, entry);
	return w;
}

struct token_wait *
tokens_get(struct tokens *all, struct source *s, struct span login,
    token_cb *cb, void *arg)
{
	struct token_wait	*w;
	struct token		*t;
	bool			 told = false;

	if (s->kind == SOURCE_TOKEN_FILE) {
		from_file(s, login, cb, arg);
		return NULL;
	}
	t = token_of(all, s, login);
	if (!t->busy && t->octets != NULL && all->how.now_ms() < t->until_ms) {
		cb(arg, TOKEN_HAVE, span_of(t->octets), "");
		return NULL;
	}
	if (!t->busy && all->how.now_ms() < t->not_before_ms) {
		cb(arg, t->last, SPAN_NONE, t->why);
		return NULL;
	}
	w = wait_for(t, cb, arg);
	w->told = &told;
	if (!t->busy)
		start(t);
	if (told)
		return NULL;
	w->told = NULL;
	return w;
}

void
tokens_refused(struct tokens *all, const struct source *s, struct span login,
    struct span octets)
{
	struct token	*t = token_find(all, s, login);

	if (t != NULL && t->octets != NULL &&
	    span_eq(span_of(t->octets), octets))
		wipe(&t->octets);
}
