/*
 * hooks_read.c - questions to a policy, out of a text.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/fileio.h"
#include "base/xalloc.h"
#include "test/bench/hooks.h"

#define FILE_MAX	(256u << 20)

static _Noreturn void
wrong(struct span line, const char *what)
{
	fprintf(stderr, "hooks: %s: %.*s\n", what, SPAN_ARG(line));
	exit(2);
}

/* The next word of a line; empty at its end. */
static struct span
word(struct span *line)
{
	struct span	s = span_trim(*line), w;
	ptrdiff_t	end = span_index(s, ' ');

	w = span_mem(s.p, end < 0 ? s.n : (size_t)end);
	*line = span_from(s, w.n);
	return w;
}

static unsigned
hook_named(struct span name)
{
	for (unsigned i = 0; i < RS_NHOOKS; i++) {
		struct span	s = span_of(rs_hook_names[i]);
		size_t		j = 0;

		if (span_prefix(s, SPAN("on ")))
			s = span_from(s, 3);
		while (j < s.n && j < name.n &&
		    (s.p[j] == ' ' ? '-' : s.p[j]) == name.p[j])
			j++;
		if (j == s.n && j == name.n)
			return i;
	}
	return RS_NHOOKS;
}

static bool
content_is(struct questions *qs, struct policy_facts *f, struct span path)
{
	struct buf	 text = { 0 };
	char		*name = xstrndup(path.p, path.n);
	int		 rc = file_read(name, FILE_MAX, &text);

	f->content = arena_span(&qs->arena, buf_span(&text));
	f->size = f->content.n;
	buf_clear(&text);
	free(name);
	return rc == 0;
}

static void
address_is(struct span *whole, size_t *at, struct span value)
{
	*whole = value;
	*at = rs_address(value).at;
}

/* False: there is no such fact, or it cannot have this value. */
static bool
fact_is(struct questions *qs, struct policy_facts *f, struct span name,
    struct span value)
{
	uint64_t	n;

	if (span_eq(name, SPAN("client")))
		return ip_parse(value, &f->client_ip);
	if (span_eq(name, SPAN("content")))
		return content_is(qs, f, value);
	if (span_eq(name, SPAN("name")))
		policy_names_set(f->names, value, value);
	else if (span_eq(name, SPAN("helo")))
		f->helo = value;
	else if (span_eq(name, SPAN("user"))) {
		f->user = value;
		f->authenticated = true;
	} else if (span_eq(name, SPAN("from")))
		address_is(&f->sender, &f->sender_at, value);
	else if (span_eq(name, SPAN("rcpt")))
		address_is(&f->rcpt, &f->rcpt_at, value);
	else if (span_eq(name, SPAN("hops")) && span_u64(value, 1000, &n))
		f->hops = (unsigned)n;
	else if (span_eq(name, SPAN("size")) && span_u64(value, 1ul << 40, &n))
		f->size = n;
	else
		return false;
	return true;
}

static void
add_question(struct questions *qs, struct span line, struct policy *p)
{
	struct question	*q;
	struct span	 rest = line, w;

	qs->v = xreallocarray(qs->v, qs->n + 1, sizeof(*qs->v));
	q = &qs->v[qs->n++];
	*q = (struct question){ .hook = hook_named(word(&rest)) };
	if (q->hook == RS_NHOOKS)
		wrong(line, "no such hook");
	q->facts.names = policy_names_new();
	q->facts.tags = policy_tags_new(p, &qs->arena);
	q->facts.listener = SPAN("smtp");
	q->facts.now_ms = 1767601800000;	/* 2026-01-05T08:30:00Z */
	while ((w = word(&rest)).n > 0) {
		ptrdiff_t	eq = span_index(w, '=');

		if (eq <= 0 || !fact_is(qs, &q->facts, span_mem(w.p,
		    (size_t)eq), span_from(w, (size_t)eq + 1)))
			wrong(w, "no such fact");
	}
}

/* The columns of a record stand on lines of their own. */
static void
add_line(struct questions *qs, struct span rest, struct policy *p)
{
	const struct rs_image	*im = policy_image(p);
	struct span		 name = word(&rest), key = word(&rest);
	struct span		 value = arena_span(&qs->arena,
	    span_trim(rest));
	char			*c = (char *)(uintptr_t)value.p;

	for (size_t i = 0; i < value.n; i++)
		if (c[i] == ' ')
			c[i] = '\n';
	for (uint32_t i = 0; i < rs_nmap(im); i++)
		if (span_eq(rs_string(im, rs_map(im, i)->name), name)) {
			map_add(policy_map(p, i), key, value);
			return;
		}
	wrong(name, "no such table");
}

void
questions_read(struct questions *qs, const char *path, struct policy *p)
{
	struct buf	text = { 0 };
	struct span	rest, line;

	*qs = (struct questions){ .n = 0 };
	if (file_read(path, FILE_MAX, &text) == -1) {
		perror(path);
		exit(2);
	}
	rest = arena_span(&qs->arena, buf_span(&text));
	buf_clear(&text);
	for (; rest.n > 0; rest = span_from(rest, line.n + 1)) {
		ptrdiff_t	eol = span_index(rest, '\n');
		struct span	left, verb;

		line = span_mem(rest.p, eol < 0 ? rest.n : (size_t)eol);
		left = line;
		verb = word(&left);
		if (span_eq(verb, SPAN("ask")))
			add_question(qs, left, p);
		else if (span_eq(verb, SPAN("map")))
			add_line(qs, left, p);
		else if (verb.n > 0)
			wrong(line, "neither `ask` nor `map`");
	}
}

void
questions_clear(struct questions *qs)
{
	for (size_t i = 0; i < qs->n; i++)
		policy_names_free(&qs->v[i].facts.names);
	free(qs->v);
	arena_clear(&qs->arena);
}
