/*
 * hooks.c - what each hook of a policy costs, with its tables and its route,
 * when all answers are there: nanoseconds of processor and instructions for a
 * decision.
 *
 *   hooks [--json] [--rounds N] IMAGE QUESTIONS
 *
 * The image runs in the server's own room (mta/policy): its tables are opened,
 * `on rcpt` is followed by the dry run of route.  DNS knows no name and has
 * said so before; counters say at once that nothing was counted.  QUESTIONS:
 * hooks.h; those of one hook are put in turn.  Printed is the median of the
 * rounds.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/json.h"
#include "base/xalloc.h"
#include "mta/policy/policy_int.h"
#include "test/bench/hooks.h"

#define ROUNDS		15
#define ROUND_NS	20000000	/* about as long as one takes */

struct bench {
	struct policy	*policy;
	struct question	**asked;	/* those of the hook */
	size_t		 n, next;
	uint32_t	 command;
	unsigned	 said[RS_NVERDICTS];
	unsigned	 rounds;
};

struct figures {
	double	ns, instructions;	/* for one decision */
};

/* --- a world that has answered */

static uint64_t
dns_ask_none(void *ctx, enum dns_type type, struct span name, dns_cb *cb,
    void *arg)
{
	struct dns_answer	a = { .result = DNS_NXDOMAIN, .ttl_s = 300 };

	(void)ctx;
	(void)type;
	(void)name;
	cb(arg, &a);
	return 0;
}

static uint64_t
rate_no(void *ctx, const struct limits_rate *q, limits_cb *cb, void *arg)
{
	(void)ctx;
	(void)q;
	cb(arg, LIMITS_NO);
	return 0;
}

static uint64_t
greylisted_no(void *ctx, struct span key, int64_t wait_ms, bool peek,
    limits_cb *cb, void *arg)
{
	(void)ctx;
	(void)key;
	(void)wait_ms;
	(void)peek;
	cb(arg, LIMITS_NO);
	return 0;
}

static void
cancel_none(void *ctx, uint64_t ticket)
{
	(void)ctx;
	(void)ticket;
}

static struct policy *
open_policy(const char *path)
{
	struct policy_source	 src = {
		.image_fd = open(path, O_RDONLY | O_CLOEXEC),
		.dns = { dns_ask_none, cancel_none, NULL },
		.limits = { rate_no, greylisted_no, cancel_none, NULL },
		.quiet = true
	};
	struct policy		*p = NULL;
	const char		*why = "cannot be opened";

	if (src.image_fd == -1 || (p = policy_open(&src, &why)) == NULL) {
		fprintf(stderr, "hooks: %s: %s\n", path, why);
		exit(2);
	}
	close(src.image_fd);
	return p;
}

/* --- one question */

static _Noreturn void
waits(const struct question *q)
{
	fprintf(stderr, "hooks: %s waits for an answer\n",
	    rs_hook_names[q->hook]);
	exit(1);
}

static enum rs_verdict_kind
route(struct policy *p, struct question *q)
{
	struct routing		*r = policy_route(p, &q->facts, NULL, NULL,
	    NULL);
	enum rs_verdict_kind	 kind;

	if (!routing_done(r))
		waits(q);
	kind = routing_verdict(r, 0)->kind;
	routing_free(&r);
	return kind;
}

static bool
is_rewriting(unsigned hook)
{
	return hook >= RS_HOOK_REWRITE_IN_SENDER;
}

/* A new address is counted as a value. */
static enum rs_verdict_kind
rewrite(struct policy *p, struct question *q)
{
	bool			 sender = q->hook == RS_HOOK_REWRITE_IN_SENDER ||
	    q->hook == RS_HOOK_REWRITE_OUT_SENDER;
	struct rewriting	*r = policy_rewrite(p, (enum rs_hook)q->hook,
	    &q->facts, sender ? q->facts.sender : q->facts.rcpt, NULL, NULL,
	    NULL);
	struct address		 address;
	enum rewritten		 is;

	if (!rewriting_done(r))
		waits(q);
	is = rewriting_result(r, &address);
	rewriting_free(&r);
	return is == REWRITTEN_NEW ? RS_V_VALUE : RS_V_END;
}

static enum rs_verdict_kind
decide(struct policy *p, struct question *q)
{
	struct decision		*d = policy_decide(p, (enum rs_hook)q->hook,
	    &q->facts, NULL, NULL, NULL);
	enum rs_verdict_kind	 kind;

	if (!decision_done(d))
		waits(q);
	kind = (enum rs_verdict_kind)decision_verdict(d)->kind;
	decision_free(&d);
	return kind;
}

static void
put(struct bench *b)
{
	struct question	*q = b->asked[b->next];

	b->next = b->next + 1 == b->n ? 0 : b->next + 1;
	q->facts.tx = 1;
	q->facts.command = b->command++;
	if (q->hook == RS_HOOK_ROUTE)
		b->said[route(b->policy, q)]++;
	else if (is_rewriting(q->hook))
		b->said[rewrite(b->policy, q)]++;
	else
		b->said[decide(b->policy, q)]++;
}

/* --- rounds */

/* Of this thread only: the machine may have other work. */
static int64_t
now_ns(void)
{
	struct timespec	t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* Between decisions all evaluations are idle. */
static uint64_t
executed(const struct policy *p)
{
	uint64_t	n = 0;

	for (const struct asking *a = p->idle_askings; a != NULL; a = a->next)
		n += rs_eval_executed(a->eval);
	return n;
}

static int
by_value(const void *a, const void *b)
{
	double	x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

/* How many make a round; all questions have been put once then. */
static size_t
warm(struct bench *b)
{
	int64_t	begin = now_ns();
	size_t	n = 0;

	do {
		put(b);
		n++;
	} while (n < b->n || now_ns() - begin < ROUND_NS);
	return n;
}

static struct figures
measure(struct bench *b)
{
	size_t		 runs = warm(b);
	double		*ns = xcalloc(b->rounds, sizeof(*ns));
	uint64_t	 before = executed(b->policy);
	struct figures	 f;

	memset(b->said, 0, sizeof(b->said));
	for (unsigned i = 0; i < b->rounds; i++) {
		int64_t	begin = now_ns();

		for (size_t j = 0; j < runs; j++)
			put(b);
		ns[i] = (double)(now_ns() - begin) / (double)runs;
	}
	qsort(ns, b->rounds, sizeof(*ns), by_value);
	f.ns = ns[b->rounds / 2];
	f.instructions = (double)(executed(b->policy) - before) /
	    ((double)runs * b->rounds);
	free(ns);
	return f;
}

/* --- what is printed */

static void
tell(const struct bench *b, unsigned hook, const struct figures *f)
{
	unsigned	all = 0;

	for (unsigned k = 0; k < RS_NVERDICTS; k++)
		all += b->said[k];
	printf("%-24s %7.0f ns %6.1f instructions %6.1f million/s ",
	    rs_hook_names[hook], f->ns, f->instructions,
	    f->instructions / f->ns * 1e3);
	for (unsigned k = 0; k < RS_NVERDICTS; k++)
		if (b->said[k] > 0)
			printf(" %s %.0f%%", rs_verdict_name(k),
			    b->said[k] * 100.0 / all);
	putchar('\n');
}

/* json.h has no fractions: in thousandths. */
static void
tell_json(struct json *j, const struct bench *b, unsigned hook,
    const struct figures *f)
{
	json_object(j, NULL);
	json_str(j, "hook", rs_hook_names[hook]);
	json_int(j, "picoseconds", (int64_t)(f->ns * 1000));
	json_int(j, "milliinstructions", (int64_t)(f->instructions * 1000));
	json_object(j, "verdicts");
	for (unsigned k = 0; k < RS_NVERDICTS; k++)
		if (b->said[k] > 0)
			json_uint(j, rs_verdict_name(k), b->said[k]);
	json_object_end(j);
	json_object_end(j);
}

static void
run(struct bench *b, struct questions *qs, struct json *j)
{
	struct figures	f;

	b->asked = xcalloc(qs->n + 1, sizeof(*b->asked));
	for (unsigned hook = 0; hook < RS_NHOOKS; hook++) {
		b->n = b->next = 0;
		for (size_t i = 0; i < qs->n; i++)
			if (qs->v[i].hook == hook)
				b->asked[b->n++] = &qs->v[i];
		if (b->n == 0)
			continue;
		f = measure(b);
		if (j != NULL)
			tell_json(j, b, hook, &f);
		else
			tell(b, hook, &f);
	}
	free(b->asked);
}

int
main(int argc, char **argv)
{
	struct bench		b = { .rounds = ROUNDS };
	struct questions	qs;
	struct buf		out = { 0 };
	struct json		j;
	bool			json = false;
	int			i = 1;

	for (; i < argc && strncmp(argv[i], "--", 2) == 0; i++) {
		if (strcmp(argv[i], "--json") == 0)
			json = true;
		else if (strcmp(argv[i], "--rounds") == 0 && i + 1 < argc)
			b.rounds = (unsigned)atoi(argv[++i]);
	}
	if (argc - i != 2 || b.rounds == 0) {
		fputs("usage: hooks [--json] [--rounds N] IMAGE QUESTIONS\n",
		    stderr);
		return 2;
	}
	b.policy = open_policy(argv[i]);
	questions_read(&qs, argv[i + 1], b.policy);
	json_init(&j, &out);
	json_array(&j, NULL);
	run(&b, &qs, json ? &j : NULL);
	json_array_end(&j);
	if (json)
		printf("%.*s\n", SPAN_ARG(buf_span(&out)));
	questions_clear(&qs);
	buf_clear(&out);
	policy_unref(&b.policy);
	return 0;
}
