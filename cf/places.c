/*
 * places.c - the values of an option as ruleset/options.def has them: which
 * may stand in each place, and what they become.
 */
#include "cf/literal.h"
#include "cf/names.h"
#include "cf/places.h"

/* The values of one statement as they are matched with the places. */
struct match {
	struct cf		*cf;
	const struct cf_opt	*opt;
	enum rs_option		 option;
	struct cf_expr		*at;		/* next value */
	struct cf_expr		**places;
	size_t			 n;
	bool			 failed;
};

bool
cf_is_word(const struct cf_expr *e, struct span word)
{
	return e != NULL && e->kind == CF_E_NAME && span_eq(e->name, word);
}

static const char *
letter_what(char letter)
{
	switch (letter) {
	case 't': case 'T':
		return "a text";
	case 'F':
		return "the name of a file";
	case 'i': case 'c':
		return "a number";
	case 's':
		return "a size";
	case 'd':
		return "a time";
	case 'm':
		return "the name of a map";
	case 'n':
		return "an address";
	case 'r':
		return "a rate, as in 600/1m,";
	case 'N':
		return "a network, an address or the name of a net";
	case 'f':
		return "the name of a milter";
	case 'h':
		return "the name of a relay";
	case 'D':
		return "a domain, or the name of a set of domains";
	case 'q':
		return "a text";
	case 'Z':
		return "a size";
	case 'S':
		return "a text, or file \"path\",";
	default:
		return "a word";
	}
}

static void
mismatch(struct match *m, char letter)
{
	const struct rs_option_info	*info = &rs_options[m->option];
	struct cf_loc			 loc = m->opt->loc;

	if (m->failed)
		return;
	m->failed = true;
	if (m->at != NULL)
		loc = m->at->loc;
	if (letter != '\0')
		cf_error(m->cf, loc, "'%s' wants %s here", info->word,
		    letter_what(letter));
	else
		cf_error(m->cf, loc, "this is more than '%s' takes",
		    info->word);
	cf_help(m->cf, "%s: %s", info->word, info->meaning);
}

static struct cf_expr *
fit_sym(struct match *m, enum cf_sym_kind kind, struct cf_expr *e)
{
	if (e->kind != CF_E_NAME)
		return NULL;
	e->sym = cf_need(m->cf, e->name, e->loc, kind);
	m->failed |= e->sym == NULL;
	e->ref = CF_R_SYM;
	return e->sym == NULL ? NULL : e;
}

/* A network of one address. */
static struct cf_expr *
fit_host(struct match *m, struct cf_expr *e)
{
	struct ipnet	 net;

	if (e->kind != CF_E_CONST || e->value.type != RS_T_IP)
		return NULL;
	net.ip = e->value.ip;
	net.bits = net.ip.family == 4 ? 32 : 128;
	return cf_const(m->cf, e->loc, rs_net(&net));
}

static struct cf_expr *
fit_size(struct cf_expr *e)
{
	if (e->kind == CF_E_CONST && e->value.type == RS_T_INT)
		e->value.type = RS_T_SIZE;
	return e->kind == CF_E_CONST && e->value.type != RS_T_SIZE ? NULL : e;
}

/* A domain, all below one, or a set of such. */
static struct cf_expr *
fit_domain(struct match *m, struct cf_expr *e)
{
	struct rs_value	 v;
	const char	*why;

	if (e->kind == CF_E_NAME) {
		e = fit_sym(m, CF_S_SET, e);
		if (e != NULL && e->sym->type != RS_T_DOMAIN) {
			cf_error(m->cf, e->loc, "'%.*s' is no set of domains",
			    SPAN_ARG(e->sym->name));
			m->failed = true;
		}
		return e;
	}
	if (e->kind != CF_E_CONST || e->value.type != RS_T_TEXT)
		return NULL;
	if (!cf_lit_domains(m->cf, e->value.s, &v, &why)) {
		cf_error(m->cf, e->loc, "'%.*s' is no domain: %s",
		    SPAN_ARG(e->value.s), why);
		m->failed = true;
		return e;
	}
	e->value.s = v.s;
	return e;
}

/* What can stand in the braces of a query. */
static bool
is_of_key(const struct cf_expr *part)
{
	return cf_is_word(part, SPAN("key")) ||
	    cf_is_word(part, SPAN("user")) || cf_is_word(part, SPAN("domain"));
}

/* A query: constant texts, and the key. */
static struct cf_expr *
fit_query(struct match *m, struct cf_expr *e)
{
	const struct cf_expr	*part = e->kind == CF_E_TEXT ? e->list : e;

	if (e->kind != CF_E_TEXT && (e->kind != CF_E_CONST ||
	    e->value.type != RS_T_TEXT))
		return NULL;
	for (; part != NULL; part = e->kind == CF_E_TEXT ? part->next : NULL) {
		if (part->kind == CF_E_CONST || is_of_key(part))
			continue;
		cf_error(m->cf, part->loc, "only {key}, {user} and {domain} "
		    "can stand in '%s'", rs_options[m->option].word);
		cf_help(m->cf, "they are handed to the server as parameters, "
		    "never as text");
		m->failed = true;
		return NULL;
	}
	return e;
}

/* The value read as the place's letter says; NULL: it does not fit. */
static struct cf_expr *
fit(struct match *m, char letter, struct cf_expr *e)
{
	bool		 is_const = e->kind == CF_E_CONST;
	unsigned	 type = e->value.type;

	switch (letter) {
	case 't': case 'F':
		return is_const && type == RS_T_TEXT ? e : NULL;
	case 'T':
		return !is_const || type == RS_T_TEXT ? e : NULL;
	case 'i': case 'c':
		return is_const && type == RS_T_INT ? e : NULL;
	case 's':
		return is_const ? fit_size(e) : NULL;
	case 'Z':
		return fit_size(e);
	case 'S':
		return !is_const || type == RS_T_TEXT ? e : NULL;
	case 'r':
		return is_const && type == RS_T_RATE ? e : NULL;
	case 'n':
		return fit_host(m, e);
	case 'N':
		if (e->kind == CF_E_NAME)
			return fit_sym(m, CF_S_NET, e);
		return is_const && type == RS_T_NET ? e : fit_host(m, e);
	case 'q':
		return fit_query(m, e);
	case 'f':
		return fit_sym(m, CF_S_MILTER, e);
	case 'h':
		return fit_sym(m, CF_S_RELAY, e);
	case 'D':
		return fit_domain(m, e);
	case 'd':
		if (cf_is_word(e, SPAN("never")))
			return cf_const(m->cf, e->loc, rs_int(RS_T_TIME, -1));
		return is_const && type == RS_T_TIME ? e : NULL;
	case 'w':
		return e->kind != CF_E_NAME ? NULL :
		    cf_const(m->cf, e->loc, rs_text(RS_T_TEXT, e->name));
	case 'm':
		return fit_sym(m, CF_S_MAP, e);
	default:
		return NULL;
	}
}

/* `password file "x"`: kept with the word, which tells it from a password. */
static void
take_file(struct match *m)
{
	struct cf_expr	*e = m->at->next;

	if (e->kind != CF_E_CONST || e->value.type != RS_T_TEXT) {
		m->at = e;
		mismatch(m, 't');
		return;
	}
	e->is_file = true;
	m->places[m->n++] = e;
	m->at = e->next;
}

static void
take(struct match *m, char letter)
{
	struct cf_expr	*e;

	if (letter == 'y') {
		m->places[m->n++] = cf_const(m->cf, m->opt->loc,
		    rs_int(RS_T_INT, 1));
		return;
	}
	if (letter == 'S' && cf_is_word(m->at, SPAN("file")) &&
	    m->at->next != NULL) {
		take_file(m);
		return;
	}
	if (m->at == NULL || (e = fit(m, letter, m->at)) == NULL) {
		mismatch(m, letter);
		return;
	}
	m->places[m->n++] = e;
	m->at = m->at->next;
}

static size_t
count_values(const struct cf_expr *e)
{
	size_t	 n = 0;

	for (; e != NULL; e = e->next)
		n++;
	return n;
}

static bool
fixed_word(struct match *m, const char *from, const char *to)
{
	struct span	 word = { from, (size_t)(to - from) };

	if (!cf_is_word(m->at, word))
		return false;
	m->at = m->at->next;
	return true;
}

/* A part in [ ] is there when its first word is; else its places are left out. */
static const char *
skip_optional(struct match *m, const char *p)
{
	for (; *p != ']'; p++) {
		if (*p == '<')
			p = strchr(p, '>');
		else
			m->places[m->n++] = NULL;
	}
	return p;
}

static void
match_places(struct match *m)
{
	const char	*p, *end;
	bool		 optional = false;

	for (p = rs_options[m->option].places; *p != '\0' && !m->failed; p++) {
		if (*p == '[' || *p == ']') {
			optional = *p == '[';
			continue;
		}
		if (*p != '<') {
			take(m, *p);
			continue;
		}
		end = strchr(p, '>');
		if (fixed_word(m, p + 1, end)) {
			p = end;
		} else if (optional) {
			p = skip_optional(m, p);
			optional = false;
		} else {
			if (!m->failed)
				cf_error(m->cf, m->at != NULL ? m->at->loc :
				    m->opt->loc, "'%s' wants the word '%.*s' "
				    "here", rs_options[m->option].word,
				    (int)(end - p - 1), p + 1);
			m->failed = true;
		}
	}
	if (!m->failed && m->at != NULL)
		mismatch(m, '\0');
}

/* Several values of a kind, a comma between. */
static void
match_list(struct match *m)
{
	char	 letter = rs_options[m->option].places[0];

	take(m, letter);
	while (!m->failed && m->at != NULL) {
		if (!m->at->comma) {
			cf_error(m->cf, m->at->loc, "a comma belongs between "
			    "the values of '%s'", rs_options[m->option].word);
			m->failed = true;
			return;
		}
		take(m, letter);
	}
}

static void
refuse_commas(struct match *m)
{
	const struct cf_expr	*e;

	for (e = m->at; e != NULL; e = e->next) {
		if (!e->comma)
			continue;
		cf_error(m->cf, e->loc, "'%s' takes no list; options end with "
		    "the line or ';'", rs_options[m->option].word);
		m->failed = true;
		return;
	}
}

size_t
cf_places(struct cf *cf, const struct cf_opt *opt, enum rs_option option,
    struct cf_expr *values, struct cf_expr ***places)
{
	struct match	 m = { cf, opt, option, values, NULL, 0, false };

	m.places = arena_alloc(&cf->arena, (count_values(values) + 8) *
	    sizeof(*m.places));
	if (rs_options[option].repeat == RS_OPT_LIST) {
		match_list(&m);
	} else {
		refuse_commas(&m);
		match_places(&m);
	}
	*places = m.places;
	return m.failed ? 0 : m.n;
}

static struct rs_value
secret(struct cf *cf, const struct cf_expr *e)
{
	return rs_text(RS_T_TEXT, arena_printf(&cf->arena, "%s%.*s",
	    e->is_file ? "file:" : "text:", SPAN_ARG(e->value.s)));
}

/* Braces and backslashes that are no parameter stand behind a backslash. */
static struct rs_value
query(struct cf *cf, const struct cf_expr *e)
{
	const struct cf_expr	*part = e->kind == CF_E_TEXT ? e->list : e;
	struct buf		 out = { 0 };
	struct rs_value		 v;
	size_t			 i;

	for (; part != NULL; part = e->kind == CF_E_TEXT ? part->next : NULL) {
		if (part->kind != CF_E_CONST)
			buf_addf(&out, "{%.*s}", SPAN_ARG(part->name));
		for (i = 0; part->kind == CF_E_CONST && i < part->value.s.n;
		    i++) {
			if (part->value.s.p[i] == '{' ||
			    part->value.s.p[i] == '\\')
				buf_add_char(&out, '\\');
			buf_add_char(&out, part->value.s.p[i]);
		}
	}
	v = rs_text(RS_T_TEXT, arena_span(&cf->arena, buf_span(&out)));
	buf_clear(&out);
	return v;
}

bool
cf_place_value(struct cf *cf, char letter, const struct cf_expr *e,
    struct rs_value *out)
{
	if (letter == 'm')
		*out = rs_int(RS_T_INT, e->sym->index);
	else if (letter == 'f' || letter == 'h')
		*out = rs_int(RS_T_INT, e->sym->object->index);
	else if (letter == 'q')
		*out = query(cf, e);
	else if (letter == 'F')
		*out = rs_text(RS_T_TEXT, e->name);	/* what it holds */
	else if (e->kind != CF_E_CONST)
		return false;
	else
		*out = letter == 'S' ? secret(cf, e) : e->value;
	return true;
}
