/*
 * decision.c - what one policy decision costs, in nanoseconds, warm.
 *
 *   decision                    the `on rcpt` of a family's policy, with 10
 *                               and with 100,000 domains in its set
 *   decision IMAGE [ADDRESSES]  that of a compiled policy; ADDRESSES: a file
 *                               of recipients, one a line, asked in turn
 *   decision --load IMAGE       milliseconds to open an image, checks and all
 *
 * Recipients are drawn at random from the set, so that each look-up goes to
 * another place of the table; tables answer from a hash table, as the server's
 * do.  Printed is the median of several rounds.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/fileio.h"
#include "base/hash.h"
#include "base/xalloc.h"
#include "ruleset/interp.h"
#include "test/unit/ruleset/sample.h"

#define ROUNDS	15
#define RUNS	200000
#define NKEYS	65536

struct bench {
	const struct rs_image	*im;
	struct rs_eval		*inner;	/* `rcpt unknown` */
	struct htab		 users;
	struct rs_value		*rcpts;
	size_t			 nrcpts;
	struct rs_value		 client, rcpt;
	unsigned		 kinds[RS_V_VALUE + 1];
};

static enum rs_answer
get_fact(void *ctx, struct rs_eval *ev, unsigned fact, struct rs_value *out)
{
	struct bench	*b = ctx;

	(void)ev;
	switch (fact) {
	case RS_FACT_CLIENT_IP:
		*out = b->client;
		return RS_HAVE;
	case RS_FACT_RCPT:
		*out = b->rcpt;
		return RS_HAVE;
	default:
		return RS_ABSENT;
	}
}

static enum rs_answer
get_map(void *ctx, struct rs_eval *ev, uint32_t map,
    const struct rs_value *key, struct rs_value *out, uint32_t *line)
{
	struct bench	*b = ctx;

	(void)ev;
	(void)map;
	if (!rs_has_span(key->type) || htab_get(&b->users, key->s) == NULL)
		return RS_ABSENT;
	*out = rs_text(RS_T_TEXT, SPAN(""));
	*line = 1;
	return RS_HAVE;
}

/* The route without effects, and then whether the mailbox knows the user. */
static enum rs_answer
get_unknown(void *ctx, struct rs_eval *ev, struct rs_value *out)
{
	struct bench		*b = ctx;
	uint32_t		 route = rs_hook(b->im, RS_HOOK_ROUTE);
	struct rs_verdict	 v;
	struct rs_value		 user, found;
	uint32_t		 line;

	rs_eval_reset(b->inner, NULL);
	if (route == UINT32_MAX ||
	    rs_eval_run(b->inner, route, NULL, 0, &v) == RS_PENDING)
		return RS_CANNOT;
	*out = rs_bool(false);
	if (v.kind != RS_V_DELIVER)
		return RS_HAVE;
	user = rs_part(&b->rcpt, RS_F_USER, SPAN("+"));
	*out = rs_bool(get_map(ctx, ev, 0, &user, &found, &line) ==
	    RS_ABSENT);
	return RS_HAVE;
}

static const struct rs_world world = {
	.fact = get_fact, .map_get = get_map, .rcpt_unknown = get_unknown,
};

static int64_t
now_ns(void)
{
	struct timespec	t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static int
by_value(const void *a, const void *b)
{
	double	x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static double
one_round(struct bench *b, struct rs_eval *ev, uint32_t func)
{
	struct rs_verdict	v;
	int64_t			start = now_ns();

	for (size_t i = 0; i < RUNS; i++) {
		b->rcpt = b->rcpts[i % b->nrcpts];
		rs_eval_reset(ev, NULL);
		if (rs_eval_run(ev, func, NULL, 0, &v) == RS_PENDING)
			abort();
		b->kinds[v.kind]++;
	}
	return (double)(now_ns() - start) / RUNS;
}

static double
median(struct bench *b)
{
	struct rs_eval	*ev = rs_eval_new(b->im, &world, b, NULL);
	uint32_t	 func = rs_hook(b->im, RS_HOOK_RCPT);
	double		 ns[ROUNDS];
	struct ip	 ip;

	if (func == UINT32_MAX || !ip_parse(SPAN("203.0.113.9"), &ip)) {
		fputs("decision: the policy has no `on rcpt`\n", stderr);
		exit(2);
	}
	b->client = rs_ip(&ip);
	b->inner = rs_eval_new(b->im, &world, b, NULL);
	htab_put(&b->users, SPAN("colin"), b);
	one_round(b, ev, func);
	memset(b->kinds, 0, sizeof(b->kinds));
	for (size_t i = 0; i < ROUNDS; i++)
		ns[i] = one_round(b, ev, func);
	qsort(ns, ROUNDS, sizeof(ns[0]), by_value);
	rs_eval_free(&ev);
	rs_eval_free(&b->inner);
	htab_clear(&b->users);
	return ns[ROUNDS / 2];
}

static void
report(struct bench *b, const char *name)
{
	double	ns = median(b);

	printf("%-32s %6.0f ns ", name, ns);
	for (unsigned k = 0; k <= RS_V_VALUE; k++) {
		if (b->kinds[k] > 0)
			printf(" %s %u%%", rs_verdict_name(k),
			    b->kinds[k] / (ROUNDS * RUNS / 100));
	}
	putchar('\n');
}

static void
add_rcpt(struct bench *b, struct span s)
{
	b->rcpts = xreallocarray(b->rcpts, b->nrcpts + 1,
	    sizeof(*b->rcpts));
	b->rcpts[b->nrcpts++] = rs_address(s);
}

static void
bench_sample(size_t ndomains)
{
	struct bench	 b = { 0 };
	struct arena	 arena = { 0 };
	struct buf	 image = { 0 };
	struct rs_image	*im;
	const char	*why;
	char		 name[64];

	sample_home(&image, ndomains);
	im = rs_image_open_mem(image.base + image.off, image.n, &why);
	b.im = im;
	srandom(1);
	for (size_t i = 0; i < NKEYS; i++) {
		char		text[32];
		struct span	d = sample_domain((size_t)random() % ndomains,
		    text);

		add_rcpt(&b, arena_printf(&arena, "colin@%.*s",
		    SPAN_ARG(d)));
	}
	snprintf(name, sizeof(name), "on rcpt, %zu domains", ndomains);
	report(&b, name);
	free(b.rcpts);
	rs_image_free(&im);
	buf_clear(&image);
	arena_clear(&arena);
}

static void
read_rcpts(struct bench *b, const char *path, struct buf *text)
{
	struct span	rest, line;

	if (file_read(path, 64 << 20, text) == -1) {
		perror(path);
		exit(2);
	}
	for (rest = buf_span(text); rest.n > 0;
	    rest = span_from(rest, line.n + 1)) {
		ptrdiff_t	eol = span_index(rest, '\n');

		line = span_mem(rest.p, eol < 0 ? rest.n : (size_t)eol);
		if (line.n > 0)
			add_rcpt(b, line);
	}
}

static int
bench_image(const char *path, const char *addresses)
{
	struct bench	 b = { 0 };
	struct buf	 text = { 0 };
	struct rs_image	*im;
	const char	*why = "";
	int		 fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd == -1 || (im = rs_image_open(fd, &why)) == NULL) {
		fprintf(stderr, "decision: %s: %s\n", path, why);
		return 2;
	}
	b.im = im;
	if (addresses != NULL)
		read_rcpts(&b, addresses, &text);
	if (b.nrcpts == 0)
		add_rcpt(&b, SPAN("colin@murphy.example"));
	report(&b, path);
	free(b.rcpts);
	buf_clear(&text);
	rs_image_free(&im);
	close(fd);
	return 0;
}

static double
seconds(void)
{
	struct timespec	t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int
load(const char *path)
{
	double		 begin = seconds();
	const char	*why = "";
	int		 fd = open(path, O_RDONLY | O_CLOEXEC);
	struct rs_image	*im;

	if (fd == -1 || (im = rs_image_open(fd, &why)) == NULL) {
		fprintf(stderr, "decision: %s: %s\n", path, why);
		return 2;
	}
	printf("%.1f\n", (seconds() - begin) * 1000);
	rs_image_free(&im);
	close(fd);
	return 0;
}

int
main(int argc, char **argv)
{
	if (argc == 3 && strcmp(argv[1], "--load") == 0)
		return load(argv[2]);
	if (argc > 1)
		return bench_image(argv[1], argc > 2 ? argv[2] : NULL);
	bench_sample(10);
	bench_sample(100000);
	return 0;
}
