/*
 * regex.c - regular expressions over PCRE2.
 *
 * PCRE2 counts steps anew for each place at which a match may begin, so its
 * limit alone bounds a match by the limit times the length of the subject:
 * hours.  Here a match first gets WHOLE_STEPS, shared out evenly among the
 * places where it may begin; that decides nearly all.  When one place needs
 * more than its share, the subject is tried once more in windows of a few
 * places, each place with the full limit, until the time is up.
 */
#define PCRE2_CODE_UNIT_WIDTH	8
#include <pcre2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/regex.h"
#include "base/xalloc.h"

#define WHOLE_STEPS	2000000		/* of the first try */
#define WINDOW		8		/* places of one later try */
#define HEAP_KIB	(16u << 10)	/* of PCRE2's own loop */
#define STACK_MIN	(32u << 10)	/* octets, of machine code */
#define STACK_MAX	(512u << 10)

struct regex {
	pcre2_code	*utf8;		/* for subjects in UTF-8 */
	pcre2_code	*octets;	/* for all others */
	uint32_t	 ngroups;
};

/* What matches work with: one for each thread, for all expressions. */
static _Thread_local struct desk {
	pcre2_match_context	*context;
	pcre2_match_data	*data;
	uint32_t		 steps;		/* the limits that are set */
} desk;

/*
 * Compiling.
 */

/* `$` is the end and nothing else; \C would split a character. */
#define OPTIONS	(PCRE2_DOLLAR_ENDONLY | PCRE2_NEVER_BACKSLASH_C | \
    PCRE2_USE_OFFSET_LIMIT)

static pcre2_code *
compile(struct span text, uint32_t options, int *error, PCRE2_SIZE *at)
{
	pcre2_code	*code;

	code = pcre2_compile((PCRE2_SPTR)(text.n > 0 ? text.p : ""), text.n,
	    OPTIONS | options, error, at, NULL);
	/* Where there is no machine code pcre2_match() does without. */
	if (code != NULL)
		(void)pcre2_jit_compile(code, PCRE2_JIT_COMPLETE);
	return code;
}

static uint32_t
info(const pcre2_code *code, uint32_t what)
{
	uint32_t	n = 0;

	(void)pcre2_pattern_info(code, what, &n);
	return n;
}

/* An expression that names characters beyond octets takes UTF-8's way. */
static pcre2_code *
compile_octets(struct span text, uint32_t options)
{
	int		 error;
	PCRE2_SIZE	 at;
	pcre2_code	*code;

	code = compile(text, options | PCRE2_NEVER_UTF, &error, &at);
	if (code == NULL)
		code = compile(text, options | PCRE2_UTF |
		    PCRE2_MATCH_INVALID_UTF, &error, &at);
	return code;
}

struct regex *
regex_compile(struct span text, bool icase, size_t *at, char *why, size_t n)
{
	uint32_t	options = icase ? PCRE2_CASELESS : 0;
	struct regex	re = { 0 };
	int		error = 0;

	*at = 0;
	snprintf(why, n, "the expression is longer than %d octets",
	    REGEX_TEXT_MAX);
	if (text.n > REGEX_TEXT_MAX)
		return NULL;
	re.utf8 = compile(text, options | PCRE2_UTF, &error, at);
	if (re.utf8 == NULL) {
		(void)pcre2_get_error_message(error, (PCRE2_UCHAR *)why, n);
		return NULL;
	}
	re.ngroups = info(re.utf8, PCRE2_INFO_CAPTURECOUNT);
	snprintf(why, n, "more than %d groups", REGEX_GROUPS_MAX - 1);
	if (re.ngroups < REGEX_GROUPS_MAX &&
	    (re.octets = compile_octets(text, options)) != NULL) {
		struct regex	*out = xmalloc(sizeof(*out));

		*out = re;
		return out;
	}
	pcre2_code_free(re.utf8);
	return NULL;
}

void
regex_free(struct regex **rep)
{
	struct regex	*re = *rep;

	*rep = NULL;
	if (re == NULL)
		return;
	pcre2_code_free(re->utf8);
	pcre2_code_free(re->octets);
	free(re);
}

bool
regex_is_compiled(const struct regex *re)
{
	size_t	n = 0;

	(void)pcre2_pattern_info(re->utf8, PCRE2_INFO_JITSIZE, &n);
	return n > 0;
}

/*
 * Matching.
 */

static void
furnish(void)
{
	pcre2_jit_stack	*stack;

	desk.context = pcre2_match_context_create(NULL);
	desk.data = pcre2_match_data_create(REGEX_GROUPS_MAX, NULL);
	if (desk.context == NULL || desk.data == NULL)
		fatalx("no memory for regular expressions");
	/* Without one PCRE2 takes 32 KiB of the caller's. */
	stack = pcre2_jit_stack_create(STACK_MIN, STACK_MAX, NULL);
	pcre2_jit_stack_assign(desk.context, NULL, stack);
	(void)pcre2_set_heap_limit(desk.context, HEAP_KIB);
}

static void
set_steps(uint32_t steps)
{
	if (desk.steps == steps)
		return;
	desk.steps = steps;
	(void)pcre2_set_match_limit(desk.context, steps);
	(void)pcre2_set_depth_limit(desk.context, steps);
}

static bool
is_ascii(struct span s)
{
	uint64_t	all = 0, v;

	for (; s.n >= 8; s = span_from(s, 8)) {
		memcpy(&v, s.p, 8);
		all |= v;
	}
	for (; s.n > 0; s = span_from(s, 1))
		all |= (unsigned char)s.p[0];
	return (all & UINT64_C(0x8080808080808080)) == 0;
}

/* Beginning at one of the places from `from` to `last`; as pcre2_match(). */
static int
attempt(const pcre2_code *code, struct span s, size_t from, size_t last,
    uint32_t steps)
{
	/* PCRE2 looks octet by octet, for each expression again. */
	uint32_t	options = is_ascii(s) ? PCRE2_NO_UTF_CHECK : 0;
	int		rc;

	set_steps(steps);
	(void)pcre2_set_offset_limit(desk.context, last);
	rc = pcre2_match(code, (PCRE2_SPTR)s.p, s.n, from, options, desk.data,
	    desk.context);
	if (rc == PCRE2_ERROR_JIT_STACKLIMIT)
		rc = pcre2_match(code, (PCRE2_SPTR)s.p, s.n, from,
		    PCRE2_NO_JIT | options, desk.data, desk.context);
	return rc;
}

static bool
is_continuation(char c)
{
	return ((unsigned char)c & 0xc0) == 0x80;
}

/* Each place with the full limit, a few at a time, until the time is up. */
static int
by_windows(const pcre2_code *code, struct span s, bool utf8)
{
	int64_t	end = clock_boot_us() + REGEX_TIME_MS * 1000;
	size_t	from = 0, next;
	int	rc;

	for (;; from = next) {
		next = from + WINDOW;
		while (utf8 && next < s.n && is_continuation(s.p[next]))
			next++;
		rc = attempt(code, s, from, next - 1, REGEX_MATCH_LIMIT);
		if (rc != PCRE2_ERROR_NOMATCH || next > s.n)
			return rc;
		if (clock_boot_us() > end)
			return PCRE2_ERROR_MATCHLIMIT;
	}
}

static bool
gave_up(int rc)
{
	return rc == PCRE2_ERROR_MATCHLIMIT || rc == PCRE2_ERROR_DEPTHLIMIT;
}

static bool
is_not_utf8(int rc)
{
	return rc <= PCRE2_ERROR_UTF8_ERR1 && rc >= PCRE2_ERROR_UTF8_ERR21;
}

static int
match(const struct regex *re, struct span s)
{
	uint32_t	 share = (uint32_t)(WHOLE_STEPS / (s.n + 1));
	const pcre2_code *code = re->utf8;
	int		 rc;

	if (share > REGEX_MATCH_LIMIT)
		share = REGEX_MATCH_LIMIT;
	if (share < 1)
		share = 1;
	rc = attempt(code, s, 0, s.n, share);
	if (is_not_utf8(rc)) {
		code = re->octets;
		rc = attempt(code, s, 0, s.n, share);
	}
	if (gave_up(rc) && share < REGEX_MATCH_LIMIT)
		rc = by_windows(code, s, code == re->utf8);
	return rc;
}

/* The n groups that PCRE2 has filled in, and the empty ones behind them. */
static void
give_groups(struct span s, unsigned n, struct span *groups, unsigned ngroups)
{
	const PCRE2_SIZE	*v = pcre2_get_ovector_pointer(desk.data);

	for (unsigned i = 0; i < ngroups; i++) {
		groups[i] = SPAN_NONE;
		if (i < n && v[2 * i] != PCRE2_UNSET &&
		    v[2 * i] <= v[2 * i + 1])
			groups[i] = span_mem(s.p + v[2 * i],
			    v[2 * i + 1] - v[2 * i]);
	}
}

enum regex_result
regex_match(const struct regex *re, struct span s,
    struct span groups[REGEX_GROUPS_MAX], unsigned *ngroups)
{
	int	rc;

	if (desk.context == NULL)
		furnish();
	if (s.n == 0)
		s = SPAN("");
	*ngroups = 0;
	rc = match(re, s);
	if (rc == PCRE2_ERROR_NOMATCH)
		return REGEX_NO;
	if (rc <= 0)
		return REGEX_TOO_MUCH;
	*ngroups = re->ngroups + 1;
	give_groups(s, (unsigned)rc, groups, *ngroups);
	return REGEX_YES;
}

/*
 * Groups.
 */

/* PCRE2's table of names: two octets of number, the name, a NUL. */
static struct span
nth_name(const struct regex *re, uint32_t i, unsigned *group)
{
	PCRE2_SPTR	p = NULL;

	(void)pcre2_pattern_info(re->utf8, PCRE2_INFO_NAMETABLE, &p);
	p += (size_t)i * info(re->utf8, PCRE2_INFO_NAMEENTRYSIZE);
	*group = (unsigned)p[0] << 8 | p[1];
	return span_of((const char *)p + 2);
}

unsigned
regex_group(const struct regex *re, struct span name)
{
	uint32_t	n = info(re->utf8, PCRE2_INFO_NAMECOUNT);
	unsigned	group;

	for (uint32_t i = 0; i < n; i++) {
		if (span_eq(nth_name(re, i, &group), name))
			return group;
	}
	return 0;
}

unsigned
regex_ngroups(const struct regex *re)
{
	return re->ngroups;
}

struct span
regex_group_name(const struct regex *re, unsigned i)
{
	uint32_t	n = info(re->utf8, PCRE2_INFO_NAMECOUNT);
	unsigned	group;

	for (uint32_t k = 0; k < n; k++) {
		struct span	name = nth_name(re, k, &group);

		if (group == i)
			return name;
	}
	return SPAN_NONE;
}
