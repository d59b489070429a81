/*
 * spf_test.c - check_host() against the cases of RFC 7208, in rfc7208.cases:
 * with answers at once and with answers that come later.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "mta/policy/spf.h"
#include "test/unit/policy/played_dns.h"

#define FIELDS_MAX	8
#define LINE_MAX_OCTETS	4096

struct line {
	char	text[FIELDS_MAX][LINE_MAX_OCTETS];
	size_t	octets[FIELDS_MAX];
	size_t	n;
};

struct run {
	struct played_dns	 dns;
	struct line		 line;
	const char		*group;
	unsigned		 cases, failed;
};

/* --- the file */

static void
add_octet(struct line *l, char c)
{
	size_t	f = l->n - 1;

	assert_true(l->octets[f] < LINE_MAX_OCTETS - 1);
	l->text[f][l->octets[f]++] = c;
}

/* Fields by '|', without the blanks around it; \xNN is an octet. */
static void
split(struct line *l, const char *p)
{
	char		hex[3] = "";
	const char	*end;

	memset(l, 0, sizeof(*l));
	for (;;) {
		assert_true(l->n < FIELDS_MAX);
		l->n++;
		while (*p == ' ')
			p++;
		end = p + strcspn(p, "|\n");
		while (end > p && end[-1] == ' ')
			end--;
		while (p < end) {
			if (p[0] == '\\' && p[1] == 'x') {
				memcpy(hex, p + 2, 2);
				add_octet(l, (char)strtoul(hex, NULL, 16));
				p += 4;
			} else
				add_octet(l, *p++);
		}
		p += strcspn(p, "|\n");
		if (*p++ != '|')
			return;
	}
}

/* --- a case: id, section, client, helo, sender, results, explanation */

static void
play_later(struct played_dns *d, const struct spf *s)
{
	while (!spf_done(s) && played_answer(d))
		;
	assert_int_equal(d->nopen, 0);
}

static bool
result_wanted(const struct line *l, enum spf_result r)
{
	const char	*at = l->text[5];
	size_t		 n = strlen(spf_result_name(r));

	for (;;) {
		if (strncmp(at, spf_result_name(r), n) == 0 &&
		    (at[n] == '\0' || at[n] == ' '))
			return true;
		if ((at = strchr(at, ' ')) == NULL)
			return false;
		at++;
	}
}

/* Hexadecimal digits may have either case. */
static bool
explanation_wanted(const struct line *l, struct span is)
{
	struct span	wanted = span_mem(l->text[6], l->octets[6]);

	if (wanted.n == 0)
		return true;
	return span_ieq(is, span_eq(wanted, SPAN("-")) ? SPAN_NONE : wanted);
}

static void
count_call(void *arg)
{
	++*(unsigned *)arg;
}

static void
one_case(struct run *r, bool later)
{
	const struct line	*l = &r->line;
	struct spf_question	 q = { .explain = true, .now_s = 1000000000,
				    .receiver = SPAN("mx.receiver.example") };
	struct policy_dns	 dns = played_policy(&r->dns);
	unsigned		 called = 0;
	struct spf		*s;

	assert_true(ip_parse(span_of(l->text[2]), &q.ip));
	q.helo = span_mem(l->text[3], l->octets[3]);
	q.sender = span_mem(l->text[4], l->octets[4]);
	for (q.sender_at = q.sender.n; q.sender_at > 0; q.sender_at--)
		if (q.sender.p[q.sender_at - 1] == '@')
			break;
	q.sender_at = q.sender_at > 0 ? q.sender_at - 1 : q.sender.n;
	r->dns.later = later;
	s = spf_start(&dns, &q, count_call, &called);
	if (spf_done(s))
		assert_int_equal(called, 0);
	else {
		play_later(&r->dns, s);
		assert_int_equal(called, 1);
	}
	assert_true(spf_done(s));
	if (!result_wanted(l, spf_result(s)) ||
	    !explanation_wanted(l, spf_explanation(s))) {
		r->failed++;
		print_error("%s, %s (%s)%s: %s (%s) \"%.*s\"\n", r->group,
		    l->text[0], l->text[1], later ? " later" : "",
		    spf_result_name(spf_result(s)), spf_why(s),
		    SPAN_ARG(spf_explanation(s)));
	}
	spf_free(&s);
}

/* --- all of them */

static void
one_line(struct run *r, const char *line, char group[128])
{
	if (strncmp(line, "group ", 6) == 0) {
		played_clear(&r->dns);
		snprintf(group, 128, "%.*s", (int)strcspn(line + 6, "\n"),
		    line + 6);
		r->group = group;
	} else if (strncmp(line, "rr ", 3) == 0) {
		split(&r->line, line + 3);
		assert_int_equal(r->line.n, 3);
		played_add(&r->dns, r->line.text[0], r->line.text[1],
		    r->line.text[2], r->line.octets[2]);
	} else if (strncmp(line, "case ", 5) == 0) {
		split(&r->line, line + 5);
		assert_int_equal(r->line.n, 7);
		r->cases++;
		one_case(r, false);
		one_case(r, true);
	} else
		assert_true(line[0] == '#' || line[0] == '\n');
}

static void
the_cases_of_the_rfc(void **state)
{
	static struct run	 r;
	static char		 line[LINE_MAX_OCTETS];
	char			 group[128] = "";
	FILE			*f = fopen(CASES, "r");

	(void)state;
	assert_non_null(f);
	while (fgets(line, sizeof(line), f) != NULL)
		one_line(&r, line, group);
	fclose(f);
	played_clear(&r.dns);
	assert_int_equal(r.cases, 203);
	assert_int_equal(r.failed, 0);
}

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		cmocka_unit_test(the_cases_of_the_rfc),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
