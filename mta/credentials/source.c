/*
 * source.c - what the relay blocks of a policy say of their logins.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/digest.h"
#include "base/fileio.h"
#include "base/log.h"
#include "base/xalloc.h"
#include "mta/child/child.h"

#include "mta/credentials/secrets.h"
#include "mta/credentials/source.h"

/* --- texts of the image */

static bool
place_of(const struct rs_image *im, uint32_t object, enum rs_option option,
    unsigned n, struct rs_place *out)
{
	const struct rs_optval	*o;

	if (!rs_option(im, object, option, 0, &o) || n >= o->nplaces)
		return false;
	*out = rs_option_place(im, o, n);
	return out->is_func || out->index != UINT32_MAX;
}

/* NULL: it is not there, or an expression. */
static char *
text_of(const struct rs_image *im, uint32_t object, enum rs_option option,
    unsigned n)
{
	struct rs_place	pl;
	struct rs_value	v;

	if (!place_of(im, object, option, n, &pl) || pl.is_func)
		return NULL;
	v = rs_const(im, pl.index);
	return v.type == RS_T_TEXT ? xstrndup(v.s.n > 0 ? v.s.p : "", v.s.n) :
	    NULL;
}

static bool
is_said(const struct rs_image *im, uint32_t object, enum rs_option option)
{
	struct rs_place	pl;

	return place_of(im, object, option, 0, &pl);
}

/* The words of `mechanisms` are their names in small letters. */
static void
read_mechanisms(struct source *s, const struct rs_image *im)
{
	const struct rs_optval	*o;
	struct rs_value		 v;
	enum mech		 m;
	unsigned		 i;

	if (!rs_option(im, s->object, RS_OPT_RELAY_mechanisms, 0, &o))
		return;
	for (i = 0; i < o->nplaces && s->nwanted < MECH_N; i++) {
		v = rs_option_const(im, o, i);
		if ((m = mech_named(v.s)) < MECH_N)
			s->wanted[s->nwanted++] = m;
	}
}

/* --- secrets of files */

static void
read_secret(struct child_config *cfg, uint32_t object, enum rs_option option,
    struct buf *out)
{
	size_t	i;

	for (i = 0; i < cfg->nsecrets; i++)
		if (cfg->secrets[i].object == object &&
		    cfg->secrets[i].option == option)
			break;
	if (i == cfg->nsecrets)
		return;		/* the parent has said why */
	/* In one piece: what grows leaves copies behind. */
	if (file_read_fd(cfg->secrets[i].fd, SECRETS_FILE_MAX, out) == -1)
		log_warn("event=secret relay-object=%u", object);
}

static void
wipe(struct buf *b)
{
	if (b->base != NULL)
		explicit_bzero(b->base, b->cap);
	buf_clear(b);
}

/* --- one block */

static enum source_kind
kind_of(const struct rs_image *im, uint32_t object)
{
	struct rs_place	pl;

	if (place_of(im, object, RS_OPT_RELAY_auth, 1, &pl))
		return pl.is_func ? SOURCE_EXPRESSION : SOURCE_PASSWORD;
	if (is_said(im, object, RS_OPT_RELAY_passwords))
		return SOURCE_PASSWORDS;
	if (is_said(im, object, RS_OPT_RELAY_token_file))
		return SOURCE_TOKEN_FILE;
	if (is_said(im, object, RS_OPT_RELAY_token_command))
		return SOURCE_TOKEN_COMMAND;
	return is_said(im, object, RS_OPT_RELAY_oauth) ? SOURCE_OAUTH :
	    SOURCE_NONE;
}

static enum rs_option
file_option(enum source_kind kind)
{
	switch (kind) {
	case SOURCE_PASSWORDS:
		return RS_OPT_RELAY_passwords;
	case SOURCE_TOKEN_FILE:
		return RS_OPT_RELAY_token_file;
	case SOURCE_OAUTH:
		return RS_OPT_RELAY_oauth_refresh;
	default:
		return RS_OPT_RELAY_auth;
	}
}

static void
read_oauth(struct source *s, const struct rs_image *im,
    struct child_config *cfg)
{
	s->url = text_of(im, s->object, RS_OPT_RELAY_oauth, 0);
	s->client = text_of(im, s->object, RS_OPT_RELAY_oauth_client, 0);
	s->scope = text_of(im, s->object, RS_OPT_RELAY_oauth_scope, 0);
	s->has_refresh = is_said(im, s->object, RS_OPT_RELAY_oauth_refresh);
	read_secret(cfg, s->object, RS_OPT_RELAY_oauth_client,
	    &s->client_secret);
}

static void
read_command(struct source *s, const struct rs_image *im,
    const struct child_config *cfg)
{
	size_t	i;

	s->command = text_of(im, s->object, RS_OPT_RELAY_token_command, 0);
	s->user = text_of(im, s->object, RS_OPT_RELAY_token_command, 1);
	for (i = 0; i < cfg->nusers && s->user != NULL; i++)
		if (strcmp(cfg->users[i].name, s->user) == 0) {
			s->uid = cfg->users[i].uid;
			s->gid = cfg->users[i].gid;
		}
}

static void
add_text(struct buf *b, const char *text)
{
	if (text != NULL)
		buf_add_str(b, text);
	buf_add_char(b, '\0');
}

/* What tokens depend on: not the mechanisms. */
static void
take_digest(struct source *s)
{
	struct buf	all = { 0 };

	(void)buf_reserve(&all, s->secret.n + s->client_secret.n + 8192);
	buf_addf(&all, "%d %d %u %u ", (int)s->kind, s->has_refresh, s->uid,
	    s->gid);
	add_text(&all, s->url);
	add_text(&all, s->client);
	add_text(&all, s->scope);
	add_text(&all, s->command);
	add_text(&all, s->login);
	buf_add_span(&all, buf_span(&s->client_secret));
	buf_add_char(&all, '\0');
	buf_add_span(&all, buf_span(&s->secret));
	digest_sha256(buf_span(&all), s->digest);
	wipe(&all);
}

static struct source *
source_new(const struct rs_image *im, uint32_t object,
    struct child_config *cfg)
{
	struct span	 name = rs_string(im, rs_object(im, object)->name);
	struct source	*s = xcalloc(1, sizeof(*s));

	s->refs = 1;
	s->relay = xstrndup(name.n > 0 ? name.p : "", name.n);
	s->object = object;
	s->kind = kind_of(im, object);
	s->login = text_of(im, object, RS_OPT_RELAY_auth, 0);
	s->clear_ok = is_said(im, object, RS_OPT_RELAY_auth_clear);
	s->unverified_ok = is_said(im, object, RS_OPT_RELAY_auth_unverified);
	read_mechanisms(s, im);
	read_secret(cfg, object, file_option(s->kind), &s->secret);
	if (s->kind == SOURCE_OAUTH)
		read_oauth(s, im, cfg);
	if (s->kind == SOURCE_TOKEN_COMMAND)
		read_command(s, im, cfg);
	take_digest(s);
	return s;
}

struct source *
source_ref(struct source *s)
{
	s->refs++;
	return s;
}

void
source_unref(struct source **sp)
{
	struct source	*s = *sp;

	*sp = NULL;
	if (s == NULL || --s->refs > 0)
		return;
	wipe(&s->secret);
	wipe(&s->client_secret);
	free(s->relay);
	free(s->login);
	free(s->url);
	free(s->client);
	free(s->scope);
	free(s->command);
	free(s->user);
	free(s);
}

enum mech_given
source_gives(const struct source *s)
{
	return s->kind >= SOURCE_TOKEN_FILE ? GIVEN_TOKEN : GIVEN_PASSWORD;
}

/* --- all of them */

void
sources_read(struct sources *all, const struct rs_image *im,
    struct child_config *cfg)
{
	struct rs_place	pl;
	uint32_t	i;

	*all = (struct sources){
		.v = xcalloc(rs_nobject(im) + 1, sizeof(struct source *))
	};
	for (i = 0; i < rs_nobject(im); i++)
		if (rs_object(im, i)->kind == RS_O_RELAY &&
		    place_of(im, i, RS_OPT_RELAY_auth, 0, &pl))
			all->v[all->n++] = source_new(im, i, cfg);
}

void
sources_clear(struct sources *all)
{
	while (all->n > 0)
		source_unref(&all->v[--all->n]);
	free(all->v);
	*all = (struct sources){ .n = 0 };
}

struct source *
sources_find(const struct sources *all, struct span relay)
{
	size_t	i;

	for (i = 0; i < all->n; i++)
		if (span_eq(span_of(all->v[i]->relay), relay))
			return source_ref(all->v[i]);
	return NULL;
}
