/*
 * asked_query.c - asks one server's table from standard input, for tests and
 * measurements: pool, cache, kind and driver as the lookup process has them.
 *
 *   asked_query driver=NAME where=TEXT [OPTION=TEXT ...] [A:NAME=RECORD ...]
 *
 * Options: kind query base filter scope type map attributes login password
 * timeout (ms) connections cache cache_none (ms).  A:NAME=RECORD (also AAAA,
 * MX, TXT, PTR) is what the name servers say of a name, several times for
 * several records; "-" in the place of the record: they do not say it now.
 *
 * Lines of input, answered in the order in which answers come:
 *
 *   ask N HEX       "N found HEX", "N none", "N later WHY", "N broken WHY"
 *   cancel N        gives the question up
 *   stats           "stats connections=... down=..."
 *   bench N PARALLEL HEX  N look-ups: "bench found=... later=... us=..."
 */
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/xalloc.h"
#include "maps/asked/asked.h"

#define RECORDS_MAX	64
#define TIMEOUT_MS	30000	/* unless asked: no test waits for it */

struct record {
	const char	*type;
	struct span	 name, data;
};

struct ask {
	struct ask	*next;
	uint64_t	 n, ticket;
	bool		 done, of_bench;
};

static struct record		 records[RECORDS_MAX];
static size_t			 nrecords;
static struct asked_table	*table;
static struct ask		*asks;
static struct watch		 input;
static struct buf		 lines;
static bool			 eof;
static size_t			 open_asks;

/* A running measurement. */
static struct {
	uint64_t	 left, open, parallel, found, none, later, broken;
	int64_t		 since_us;
	struct span	 key;
} bench;

/* --- name servers */

static uint64_t
names_ask(void *ctx, const char *type, struct span name, asked_records_cb *cb,
    void *arg)
{
	struct span		 found[RECORDS_MAX];
	enum map_result		 result = MAP_NONE;
	size_t			 i, n = 0;

	(void)ctx;
	for (i = 0; i < nrecords; i++) {
		if (strcmp(records[i].type, type) != 0 ||
		    !span_ieq(records[i].name, name))
			continue;
		result = span_eq(records[i].data, SPAN("-")) ? MAP_LATER :
		    MAP_FOUND;
		if (result == MAP_FOUND)
			found[n++] = records[i].data;
	}
	cb(arg, result, found, n, 60);
	return 0;
}

static void
names_cancel(void *ctx, uint64_t ticket)
{
	(void)ctx;
	(void)ticket;
}

static const struct asked_names	names = { names_ask, names_cancel, NULL };

/* --- words of the command line */

static bool
add_record(struct span type, struct span name, struct span data)
{
	static const char *const	types[] = {
		"A", "AAAA", "MX", "TXT", "PTR"
	};
	size_t				i;

	for (i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		if (!span_eq(type, span_of(types[i])) ||
		    nrecords == RECORDS_MAX)
			continue;
		records[nrecords++] = (struct record){ types[i], name, data };
		return true;
	}
	return false;
}

static int64_t
number(struct span s)
{
	uint64_t	 n;

	if (!span_u64(s, INT32_MAX, &n))
		fatalx("'%.*s' is no number", SPAN_ARG(s));
	return (int64_t)n;
}

static bool
set_text(struct asked_source *src, struct span name, struct span value)
{
	const struct {
		const char	*name;
		struct span	*to;
	} texts[] = {
		{ "driver", &src->driver }, { "where", &src->where },
		{ "kind", &src->kind }, { "query", &src->query },
		{ "base", &src->base }, { "filter", &src->filter },
		{ "scope", &src->scope }, { "type", &src->type },
		{ "map", &src->map }, { "attributes", &src->attributes },
		{ "login", &src->login }, { "password", &src->password },
	};
	size_t	 i;

	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		if (!span_eq(name, span_of(texts[i].name)))
			continue;
		*texts[i].to = value;
		return true;
	}
	return false;
}

static void
set_option(struct asked_source *src, struct span word)
{
	ptrdiff_t	 eq = span_index(word, '='), colon;
	struct span	 name, value;

	if (eq < 0)
		fatalx("'%.*s' is not NAME=VALUE", SPAN_ARG(word));
	name = (struct span){ word.p, (size_t)eq };
	value = span_from(word, (size_t)eq + 1);
	colon = span_index(name, ':');
	if (set_text(src, name, value))
		return;
	if (span_eq(name, SPAN("timeout")))
		src->timeout_ms = number(value);
	else if (span_eq(name, SPAN("connections")))
		src->connections = (uint32_t)number(value);
	else if (span_eq(name, SPAN("cache")))
		src->cache_ms = number(value);
	else if (span_eq(name, SPAN("cache_none")))
		src->cache_none_ms = number(value);
	else if (colon < 0 || !add_record((struct span){ name.p,
	    (size_t)colon }, span_from(name, (size_t)colon + 1), value))
		fatalx("'%.*s': no such word", SPAN_ARG(word));
}

/* --- asking */

static void	 bench_more(void);

static void
maybe_end(void)
{
	if (eof && open_asks == 0 && bench.left + bench.open == 0)
		loop_stop();
}

static void
print_hex(struct span s)
{
	size_t	 i;

	for (i = 0; i < s.n; i++)
		printf("%02x", (unsigned char)s.p[i]);
}

/* One line, whatever a server has said. */
static void
print_line(const char *text)
{
	for (; *text != '\0'; text++)
		putchar((unsigned char)*text < ' ' ? '?' : *text);
}

static void
on_answer(void *arg, enum map_result result, const struct map_answer *answer,
    const char *why)
{
	static const char *const	words[] = {
		[MAP_FOUND] = "found", [MAP_NONE] = "none",
		[MAP_LATER] = "later", [MAP_BROKEN] = "broken",
	};
	struct ask			*a = arg;

	a->done = true;
	open_asks--;
	printf("%" PRIu64 " %s ", a->n, words[result]);
	if (result == MAP_FOUND)
		print_hex(answer->value);
	else if (why != NULL)
		print_line(why);
	printf("\n");
	fflush(stdout);
	maybe_end();
}

static int
hex_digit(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ?
	    c - 'a' + 10 : -1;
}

/* "-" is an empty key. */
static void
parse_hex(struct span s, struct buf *out)
{
	size_t	 i;

	for (i = 0; i + 1 < s.n; i += 2)
		buf_add_char(out, (char)(hex_digit(s.p[i]) * 16 +
		    hex_digit(s.p[i + 1])));
}

static uint64_t
ask_key(struct span key, asked_cb *cb, void *arg)
{
	struct map_question	 q = { .ask = MAP_ASK_KEY, .key = key,
	    .at = key.n };

	return asked_ask(table, &q, cb, arg);
}

static void
ask(uint64_t n, struct span hex)
{
	struct ask	*a = xcalloc(1, sizeof(*a));
	struct buf	 key = { 0 };

	parse_hex(hex, &key);
	a->n = n;
	a->next = asks;
	asks = a;
	open_asks++;
	a->ticket = ask_key(buf_span(&key), on_answer, a);
	buf_clear(&key);
}

static void
cancel(uint64_t n)
{
	struct ask	*a;

	for (a = asks; a != NULL; a = a->next) {
		if (a->n != n || a->done)
			continue;
		asked_cancel(table, a->ticket);
		a->done = true;
		open_asks--;
		printf("%" PRIu64 " cancelled\n", n);
		fflush(stdout);
	}
	maybe_end();
}

static void
print_stats(void)
{
	struct asked_stats	 st;

	asked_stats(table, &st);
	printf("stats connections=%u waiting=%u asked=%" PRIu64 " cached=%"
	    PRIu64 " down=%d\n", st.connections, st.waiting, st.asked,
	    st.cached, st.down);
	fflush(stdout);
}

static void
on_bench(void *arg, enum map_result result, const struct map_answer *answer,
    const char *why)
{
	(void)arg;
	(void)answer;
	(void)why;
	bench.open--;
	bench.found += result == MAP_FOUND;
	bench.none += result == MAP_NONE;
	bench.later += result == MAP_LATER;
	bench.broken += result == MAP_BROKEN;
	bench_more();
	if (bench.left + bench.open == 0 && bench.parallel > 0) {
		bench.parallel = 0;	/* said once */
		printf("bench found=%" PRIu64 " none=%" PRIu64 " later=%"
		    PRIu64 " broken=%" PRIu64 " us=%" PRId64 "\n",
		    bench.found, bench.none, bench.later, bench.broken,
		    clock_boot_us() - bench.since_us);
		fflush(stdout);
		maybe_end();
	}
}

/* An answer may come at once, from within: the loop goes on then. */
static void
bench_more(void)
{
	static bool	 within;

	if (within)
		return;
	within = true;
	while (bench.left > 0 && bench.open < bench.parallel) {
		bench.left--;
		bench.open++;
		(void)ask_key(bench.key, on_bench, NULL);
	}
	within = false;
}

static void
bench_start(uint64_t n, uint64_t parallel, struct span hex)
{
	static struct buf	 key;

	buf_reset(&key);
	parse_hex(hex, &key);
	memset(&bench, 0, sizeof(bench));
	bench.key = buf_span(&key);
	bench.left = n;
	bench.since_us = clock_boot_us();
	bench.parallel = parallel;
	bench_more();
}

/* --- input */

static void
take_line(const char *line)
{
	char		 hex[8192] = "";
	uint64_t	 n, parallel;

	if (sscanf(line, "ask %" SCNu64 " %8191s", &n, hex) == 2)
		ask(n, strcmp(hex, "-") == 0 ? SPAN("") : span_of(hex));
	else if (sscanf(line, "cancel %" SCNu64, &n) == 1)
		cancel(n);
	else if (sscanf(line, "bench %" SCNu64 " %" SCNu64 " %8191s", &n,
	    &parallel, hex) == 3)
		bench_start(n, parallel, span_of(hex));
	else if (strcmp(line, "stats") == 0)
		print_stats();
	else
		fatalx("a line that is not understood: %s", line);
}

static void
on_input(void *arg, int what)
{
	ssize_t		 n = read(0, buf_reserve(&lines, 65536), 65536);
	ptrdiff_t	 end;
	char		*line;

	(void)arg;
	(void)what;
	if (n <= 0) {
		watch_clear(&input);
		eof = true;
		maybe_end();
		return;
	}
	buf_grown(&lines, (size_t)n);
	while ((end = span_index(buf_span(&lines), '\n')) >= 0) {
		line = xstrndup(buf_span(&lines).p, (size_t)end);
		buf_eat(&lines, (size_t)end + 1);
		take_line(line);
		free(line);
	}
}

int
main(int argc, char **argv)
{
	struct asked_source	 src = {
		.name = SPAN("test"), .kind = SPAN("plain"),
		.host = SPAN("mail.test"), .timeout_ms = TIMEOUT_MS,
		.connections = 2, .names = &names
	};
	const char		*why = NULL;
	struct ask		*a;
	int			 i;

	log_open("asked_query", 2, LOG_L_INFO);
	(void)signal(SIGPIPE, SIG_IGN);		/* as every process of the server */
	for (i = 1; i < argc; i++)
		set_option(&src, span_of(argv[i]));
	loop_init();
	if ((table = asked_open(&src, &why)) == NULL) {
		printf("refused %s\n", why);
		return 1;
	}
	printf("ready\n");
	fflush(stdout);
	watch_set(&input, 0, LOOP_READ, on_input, NULL);
	loop_run();
	asked_close(&table);
	while ((a = asks) != NULL) {
		asks = a->next;
		free(a);
	}
	buf_clear(&lines);
	loop_clear();
	return 0;
}
