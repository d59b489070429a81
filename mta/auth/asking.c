/*
 * asking.c - one question: who decides, and by what.
 *
 * A user whom nobody has is decided as another would be, who stands in for
 * him, and is wrong: neither the time nor a salt tells that he is not there.
 */
#include "config.h"

#include <stdlib.h>

#include "base/log.h"
#include "base/loop.h"
#include "base/xalloc.h"

#include "mta/auth/asking_int.h"
#include "mta/auth/pam.h"

#define COMPLAIN_MS	60000	/* between two lines about secrets that are none */

static void	ask_tables(struct asking *);

/* --- its memory */

static struct asking *
asking_new(struct auth_peer *k, uint64_t ticket, const struct auth_question *q)
{
	size_t		 n = auth_question_octets(q);
	struct asking	*a = xmalloc(sizeof(*a) + n);

	*a = (struct asking){
		.peer = k, .service = k->service, .ticket = ticket, .q = *q,
		.began_ms = loop_now_ms(), .n = n
	};
	auth_question_copy(&a->q, a->octets);
	k->questions++;
	k->service->waiting++;
	return a;
}

/* All that is secret; the texts of the question too. */
void
asking_wipe(struct asking *a)
{
	if (a->raw.n > 0) {
		explicit_bzero((void *)(uintptr_t)a->raw.p, a->raw.n);
		free((void *)(uintptr_t)a->raw.p);
	}
	if (a->rows != NULL)
		auth_rows_clear(a->rows);
	free(a->rows);
	explicit_bzero(a->octets, a->n);
	explicit_bzero(&a->proof, sizeof(a->proof));
	a->raw = SPAN_NONE;
	a->rows = NULL;
	a->of = (struct proof_of){ .n = 0 };
}

static void
take_raw(struct asking *a, struct span raw)
{
	char	*p;

	if (raw.n == 0)
		return;
	p = xmalloc(raw.n);
	memcpy(p, raw.p, raw.n);
	a->raw = a->of.raw = span_mem(p, raw.n);
}

static void
set_name(struct asking *a, struct span name)
{
	size_t	 n = name.n < AUTH_USER_MAX ? name.n : AUTH_USER_MAX;

	if (n > 0)
		memcpy(a->verdict.user, name.p, n);
	a->verdict.user[n] = '\0';
}

/* What a server has as secrets and is none; never a piece of it. */
static void
complain(struct asking *a)
{
	struct auth_service	*s = a->service;
	int64_t			 now = loop_now_ms();

	if (a->rows == NULL || (s->complained_ms != 0 &&
	    now - s->complained_ms < COMPLAIN_MS))
		return;
	s->complained_ms = now;
	log_warnx("verify map=%s problem=%s", log_quote(a->q.map),
	    log_quote(span_of(a->proof.why)));
}

/* As the proof says. */
static void
proved(struct asking *a)
{
	struct proof	*p = &a->proof;

	if (p->why != NULL)
		complain(a);
	a->why = p->why;
	if (p->result == AUTH_RIGHT && p->which.n > 0)
		memcpy(a->verdict.which, p->which.p, p->which.n);
	memcpy(a->verdict.signature, p->signature, p->nsignature);
	a->verdict.nsignature = p->nsignature;
	asking_ends(a, p->result);
}

/* --- passwords that were right before */

/* What stands for a secret where none can be had. */
static struct span
far_secret(const struct asking *a)
{
	return a->way == AUTH_BY_PAM ? SPAN("pam") : SPAN("bind");
}

static bool
cache_begins(struct asking *a)
{
	struct auth_service	*s = a->service;

	if (s->settings.cache_ms <= 0 || a->nobody)
		return false;
	cache_id(s->cache, a->q.map, span_of(a->verdict.user), a->q.secret,
	    a->id);
	a->has_id = true;
	return cache_any(s->cache, a->id, loop_now_ms());
}

static void
try_cached(void *arg, const struct account_item *i)
{
	struct asking	*a = arg;

	if (a->proof.result == AUTH_RIGHT ||
	    !cache_has(a->service->cache, a->id, i->value, loop_now_ms()))
		return;
	a->proof.result = AUTH_RIGHT;
	a->proof.which = i->name;
}

static bool
is_cached(struct asking *a)
{
	a->proof = (struct proof){ .result = AUTH_WRONG };
	if (!cache_begins(a))
		return false;
	proof_each(&a->of, try_cached, a);
	a->cached = a->proof.result == AUTH_RIGHT;
	return a->cached;
}

static bool
is_cached_far(struct asking *a)
{
	if (!cache_begins(a))
		return false;
	a->cached = cache_has(a->service->cache, a->id, far_secret(a),
	    loop_now_ms());
	return a->cached;
}

static void
keep(struct asking *a, struct span secret, int64_t ms)
{
	int64_t	 now = loop_now_ms();

	if (a->has_id)
		cache_put(a->service->cache, a->id, secret, now, now + ms);
}

static void
keep_far(struct asking *a)
{
	int64_t	 ms = a->service->settings.cache_ms;

	keep(a, far_secret(a), ms < AUTH_FAR_MS ? ms : AUTH_FAR_MS);
}

/* --- a password against secrets: on a thread */

static void
hash_work(void *arg)
{
	struct asking	*a = arg;

	proof_password(&a->of, a->q.secret, &a->proof);
}

static void
hash_done(void *arg)
{
	struct asking	*a = arg;

	turns_ended(&a->service->hashing);
	if (a->proof.result == AUTH_RIGHT && !a->nobody)
		keep(a, a->proof.secret, a->service->settings.cache_ms);
	proved(a);
}

void
asking_hash(struct turn *t)
{
	struct asking	*a = asking_of(t);

	pool_run(a->service->pool, hash_work, hash_done, a);
}

void
asking_busy(struct turn *t)
{
	struct asking	*a = asking_of(t);

	a->service->counts.busy++;
	a->why = "too many wait";
	asking_ends(a, AUTH_CANNOT);
}

static void
ask_password(struct asking *a)
{
	if (is_cached(a))
		proved(a);
	else
		turns_add(&a->service->hashing, &a->q.client, &a->turn);
}

/* --- PAM */

static void
pam_says(void *arg, enum auth_result is)
{
	struct asking	*a = arg;

	turns_ended(&a->service->pam);
	if (is == AUTH_RIGHT && !a->nobody)
		keep_far(a);
	a->why = "PAM cannot say";
	asking_ends(a, is);
}

void
asking_pam(struct turn *t)
{
	struct asking		*a = asking_of(t);
	struct auth_service	*s = a->service;

	pam_ask(s->parent != NULL ? s->parent() : NULL,
	    span_of(a->verdict.user), a->q.secret, pam_says, a);
}

static void
ask_pam(struct asking *a)
{
	if (is_cached_far(a))
		asking_ends(a, AUTH_RIGHT);
	else
		turns_add(&a->service->pam, &a->q.client, &a->turn);
}

/* --- SCRAM's first half */

#define SALT_USUAL		16	/* octets, where no other account says it */

static struct key_of
key_for(const struct asking *a, unsigned purpose)
{
	return (struct key_of){ purpose, a->q.map, a->q.user };
}

static uint64_t
number_of(const struct asking *a)
{
	struct key_of	 of = key_for(a, 0);
	uint64_t	 n;

	key_octets(a->service->key, &of, (uint8_t *)&n, sizeof(n));
	return n;
}

/* Of the form that those of others have. */
static void
make_up(struct asking *a, struct proof_scram *out)
{
	struct key_of		 of = key_for(a, 1 + (unsigned)a->q.hash);
	struct auth_user	 other;
	struct proof_of		 account = { .n = 0 };

	*out = (struct proof_scram){
		.nsalt = SALT_USUAL, .iterations = SCRAM_ITERATIONS_LEAST
	};
	auth_tables_stand_in(&a->service->tables, a->q.map, number_of(a),
	    &a->q.hash, &other);
	account.raw = other.raw;
	(void)proof_scram_begins(&account, a->q.hash, out);
	key_octets(a->service->key, &of, out->salt, out->nsalt);
}

static void
begin_scram(struct asking *a)
{
	struct proof_scram	 s;

	if (!proof_scram_begins(&a->of, a->q.hash, &s))
		make_up(a, &s);
	memcpy(a->verdict.salt, s.salt, s.nsalt);
	a->verdict.nsalt = s.nsalt;
	a->verdict.iterations = s.iterations;
	asking_ends(a, AUTH_RIGHT);
}

/* --- what the account's secrets decide, whoever has them */

static void
decide(struct asking *a)
{
	switch (a->q.ask) {
	case AUTH_ASK_PASSWORD:
		ask_password(a);
		break;
	case AUTH_ASK_SCRAM:
		begin_scram(a);
		break;
	case AUTH_ASK_PROOF:
		proof_scram(&a->of, a->q.hash, a->q.message, a->q.secret,
		    &a->proof);
		proved(a);
		break;
	case AUTH_ASK_CRAM:
		proof_cram(&a->of, a->q.message, a->q.secret, &a->proof);
		proved(a);
		break;
	default:	/* he is there */
		asking_ends(a, a->nobody ? AUTH_WRONG : AUTH_RIGHT);
		break;
	}
}

/* Whoever stands in decides, and it is wrong. */
static void
decide_nobody(struct asking *a)
{
	struct auth_user	 other;

	a->nobody = true;
	if (a->q.ask != AUTH_ASK_PASSWORD) {
		decide(a);
		return;
	}
	auth_tables_stand_in(&a->service->tables, a->q.map, number_of(a),
	    NULL, &other);
	if (other.way == AUTH_BY_PAM) {
		a->way = AUTH_BY_PAM;
		set_name(a, other.name);
		ask_pam(a);
		return;
	}
	take_raw(a, other.raw);
	decide(a);
}

static void
decide_file(struct asking *a, struct span raw)
{
	static const struct account_reader	 none;
	struct span				 name, head;

	take_raw(a, raw);
	if (account_parse(a->raw, &none, &name, &head) == NULL)
		set_name(a, name);
	decide(a);
}

/* Only a password proves that somebody is a user of the system. */
static void
decide_pam(struct asking *a, struct span name)
{
	set_name(a, name);
	if (a->q.ask == AUTH_ASK_PASSWORD)
		ask_pam(a);
	else
		decide(a);
}

/* --- a server */

static void
take_secrets(struct asking *a, const struct asked_rows *rows)
{
	a->rows = xcalloc(1, sizeof(*a->rows));
	if (auth_rows_take(a->rows, rows, &a->proof.why) == -1) {
		a->proof.result = AUTH_CANNOT;
		proved(a);
		return;
	}
	a->of = (struct proof_of){ .v = a->rows->v, .n = a->rows->n };
	decide(a);
}

/* Its own word; of a question without a password, that he is there. */
static void
server_says_right(struct asking *a)
{
	if (a->q.ask != AUTH_ASK_PASSWORD) {
		decide(a);
		return;
	}
	keep_far(a);
	asking_ends(a, AUTH_RIGHT);
}

static void
server_says(void *arg, enum asked_proof is, const struct asked_rows *rows)
{
	struct asking	*a = arg;

	switch (is) {
	case ASKED_NOBODY:
		ask_tables(a);
		break;
	case ASKED_SECRETS:
		take_secrets(a, rows);
		break;
	case ASKED_RIGHT:
		server_says_right(a);
		break;
	case ASKED_WRONG:
		asking_ends(a, AUTH_WRONG);
		break;
	case ASKED_CANNOT:
		a->why = "the server cannot be asked";
		asking_ends(a, AUTH_CANNOT);
		break;
	}
}

/* As it is asked for. */
static void
set_lower_name(struct asking *a)
{
	size_t	 i;

	set_name(a, a->q.user);
	for (i = 0; a->verdict.user[i] != '\0'; i++)
		a->verdict.user[i] = ascii_lower(a->verdict.user[i]);
}

/* What can be no password is none: an empty one logs in nobody, somewhere. */
static void
ask_server(struct asking *a, const struct auth_user *who)
{
	struct span	 password = a->q.secret;

	a->from = who->next;
	set_lower_name(a);
	if (a->q.ask != AUTH_ASK_PASSWORD)
		asked_verify_known(who->server, a->q.user, server_says, a);
	else if (password.n == 0 || password.n > SECRET_PASSWORD_MAX ||
	    span_index(password, '\0') >= 0)
		asking_ends(a, AUTH_WRONG);
	else if (!asked_verify_has_secrets(who->server) && is_cached_far(a))
		asking_ends(a, AUTH_RIGHT);
	else
		asked_verify_ask(who->server, a->q.user, password,
		    server_says, a);
}

/* --- whose user it is */

static void
cannot_look(struct asking *a)
{
	a->why = "the table, or its entry, cannot be read";
	asking_ends(a, AUTH_CANNOT);
}

static void
ask_tables(struct asking *a)
{
	struct auth_user	 who;
	enum map_result		 is;

	is = auth_tables_user(&a->service->tables, a->q.map, a->q.user,
	    a->from, &who);
	a->way = who.way;
	if (is == MAP_NONE)
		decide_nobody(a);
	else if (is != MAP_FOUND)
		cannot_look(a);
	else if (who.way == AUTH_BY_PAM)
		decide_pam(a, who.name);
	else if (who.way == AUTH_BY_SERVER)
		ask_server(a, &who);
	else
		decide_file(a, who.raw);
}

/* --- tokens */

/* The name has to be an account's, and the one that the client has said. */
static void
token_says(void *arg, enum auth_result is, struct span name)
{
	struct asking	*a = arg;

	if (is == AUTH_RIGHT && (name.n == 0 || name.n > AUTH_USER_MAX ||
	    span_has_control(name) ||
	    (a->q.user.n > 0 && !span_ieq(name, a->q.user))))
		is = AUTH_WRONG;
	if (is != AUTH_RIGHT) {
		a->why = "who verifies tokens cannot say";
		asking_ends(a, is);
		return;
	}
	memcpy(a->named, name.p, name.n);
	a->q.user = span_mem(a->named, name.n);
	ask_tables(a);
}

static void
ask_token(struct asking *a)
{
	if (a->service->tokens == NULL) {
		a->why = "nobody verifies tokens";
		asking_ends(a, AUTH_CANNOT);
	} else
		tokens_ask(a->service->tokens, a->q.user, a->q.secret,
		    token_says, a);
}

/* --- a question begins */

void
asking_begin(struct auth_peer *k, uint64_t ticket,
    const struct auth_question *q)
{
	struct asking	*a = asking_new(k, ticket, q);

	if (asking_is_refused(a))
		asking_ends(a, AUTH_SLOW);
	else if (span_has_control(a->q.user))
		decide_nobody(a);
	else if (a->q.ask == AUTH_ASK_TOKEN)
		ask_token(a);
	else if (a->q.user.n == 0)
		decide_nobody(a);
	else
		ask_tables(a);
}
