/*
 * hops_test.c - addresses of next hops, over a DNS of the test's own.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <sys/queue.h>

#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/xalloc.h"
#include "mta/relay/hops.h"
#include "ruleset/build.h"

/* --- DNS: these stand in for mta/msg/dns.c */

static const struct fake {
	const char	*name;
	enum dns_type	 type;
	enum dns_result	 result;
	struct { unsigned pref; const char *text; } r[4];
} zone[] = {
	{ "one.example", DNS_MX, DNS_FOUND, { { 10, "a.example" } } },
	{ "two.example", DNS_MX, DNS_FOUND, { { 20, "b.example" },
	    { 10, "a.example" } } },
	{ "same.example", DNS_MX, DNS_FOUND, { { 10, "a.example" },
	    { 10, "b.example" } } },
	{ "null.example", DNS_MX, DNS_FOUND, { { 0, "" } } },
	{ "nearly.example", DNS_MX, DNS_FOUND, { { 0, "" },
	    { 10, "a.example" } } },
	{ "nomx.example", DNS_MX, DNS_NODATA, { { 0, NULL } } },
	{ "nomx.example", DNS_A, DNS_FOUND, { { 0, "192.0.2.7" } } },
	{ "bare.example", DNS_MX, DNS_NODATA, { { 0, NULL } } },
	{ "bare.example", DNS_A, DNS_NODATA, { { 0, NULL } } },
	{ "failing.example", DNS_MX, DNS_FAILING, { { 0, NULL } } },
	{ "halfway.example", DNS_MX, DNS_FOUND, { { 10, "dead.example" } } },
	{ "dead.example", DNS_A, DNS_FAILING, { { 0, NULL } } },
	{ "mixed.example", DNS_MX, DNS_FOUND, { { 10, "dead.example" },
	    { 20, "a.example" } } },
	{ "gone.example", DNS_MX, DNS_FOUND, { { 10, "nosuch.example" } } },
	{ "backup.example", DNS_MX, DNS_FOUND, { { 10, "a.example" },
	    { 20, "me.example" }, { 30, "b.example" } } },
	{ "best.example", DNS_MX, DNS_FOUND, { { 10, "me.example" },
	    { 30, "b.example" } } },
	{ "byaddress.example", DNS_MX, DNS_FOUND, { { 10, "alias.example" },
	    { 20, "b.example" } } },
	{ "a.example", DNS_A, DNS_FOUND, { { 0, "192.0.2.1" },
	    { 0, "192.0.2.2" } } },
	{ "a.example", DNS_AAAA, DNS_FOUND, { { 0, "2001:db8::1" } } },
	{ "b.example", DNS_A, DNS_FOUND, { { 0, "192.0.2.3" } } },
	{ "alias.example", DNS_A, DNS_FOUND, { { 0, "198.51.100.1" } } },
	{ "number.example", DNS_MX, DNS_FOUND, { { 10, "192.0.2.9" } } },
	{ "numbers.example", DNS_MX, DNS_FOUND, { { 10, "192.0.2.9" },
	    { 20, "a.example" } } },
	{ "local.example", DNS_MX, DNS_FOUND, { { 10, "localhost" } } },
	{ "locals.example", DNS_MX, DNS_FOUND, { { 10, "a.example" },
	    { 20, "x.localhost" }, { 30, "b.example" } } },
	{ "h39.example", DNS_A, DNS_FOUND, { { 0, "192.0.2.39" } } },
	/* SRV: priority, "PORT NAME". */
	{ "_submissions._tcp.prov.example", DNS_SRV, DNS_FOUND,
	    { { 10, "465 b.example" }, { 5, "4650 a.example" } } },
	{ "_submission._tcp.prov.example", DNS_SRV, DNS_FOUND,
	    { { 10, "587 h39.example" }, { 1, "588 b.example" } } },
	{ "_submissions._tcp.old.example", DNS_SRV, DNS_FOUND,
	    { { 0, "0 " } } },
	{ "_submission._tcp.old.example", DNS_SRV, DNS_FOUND,
	    { { 0, "587 b.example" } } },
	{ "_submission._tcp.shaky.example", DNS_SRV, DNS_FAILING,
	    { { 0, NULL } } },
};

/* Of many.example: h0.example to h39.example, of which the last one exists. */
#define MANY	40
static char	many[MANY][16];

struct question {
	TAILQ_ENTRY(question)	 entry;
	uint64_t		 ticket;
	enum dns_type		 type;
	char			*name;
	dns_cb			*cb;
	void			*arg;
};

static TAILQ_HEAD(, question)	open_questions =
    TAILQ_HEAD_INITIALIZER(open_questions);
static uint64_t			tickets;

uint64_t
dns_ask(struct dns_client *d, enum dns_type type, struct span name, dns_cb *cb,
    void *arg)
{
	struct question	*q = xcalloc(1, sizeof(*q));

	(void)d;
	*q = (struct question){ .ticket = ++tickets, .type = type, .cb = cb,
	    .arg = arg, .name = xstrndup(name.p, name.n) };
	TAILQ_INSERT_TAIL(&open_questions, q, entry);
	return q->ticket;
}

static void
forget(struct question *q)
{
	TAILQ_REMOVE(&open_questions, q, entry);
	free(q->name);
	free(q);
}

void
dns_cancel(struct dns_client *d, uint64_t ticket)
{
	struct question	*q;

	(void)d;
	TAILQ_FOREACH(q, &open_questions, entry)
		if (q->ticket == ticket) {
			forget(q);
			return;
		}
	fail_msg("no such ticket");
}

static const struct fake *
find(const struct question *q)
{
	const struct fake	*f;

	for (f = zone; f < zone + sizeof(zone) / sizeof(zone[0]); f++)
		if (f->type == q->type && strcmp(f->name, q->name) == 0)
			return f;
	return NULL;
}

/* The name is there with another type. */
static bool
exists(const char *name)
{
	const struct fake	*f;

	for (f = zone; f < zone + sizeof(zone) / sizeof(zone[0]); f++)
		if (strcmp(f->name, name) == 0)
			return true;
	return false;
}

static void
answer_many(struct question *q)
{
	struct dns_record	r[MANY] = { { 0 } };
	struct dns_answer	a = { .records = r, .n = MANY,
				    .result = DNS_FOUND };
	size_t			i;

	for (i = 0; i < MANY; i++) {
		snprintf(many[i], sizeof(many[i]), "h%zu.example", i);
		r[i].pref = (uint16_t)i;
		r[i].name = span_of(many[i]);
	}
	q->cb(q->arg, &a);
	forget(q);
}

static void
take_srv(struct dns_record *r)
{
	ptrdiff_t	blank = span_index(r->name, ' ');
	uint64_t	port;

	assert_true(span_u64(span_mem(r->name.p, (size_t)blank), 65535,
	    &port));
	r->port = (uint16_t)port;
	r->name = span_from(r->name, (size_t)blank + 1);
}

static void
answer(struct question *q)
{
	const struct fake	*f = find(q);
	struct dns_record	 r[4] = { { 0 } };
	struct dns_answer	 a = { .records = r };

	if (q->type == DNS_MX && strcmp(q->name, "many.example") == 0) {
		answer_many(q);
		return;
	}
	a.result = f != NULL ? f->result :
	    exists(q->name) ? DNS_NODATA : DNS_NXDOMAIN;
	for (; a.result == DNS_FOUND && a.n < 4 && f->r[a.n].text != NULL;
	    a.n++) {
		r[a.n].pref = (uint16_t)f->r[a.n].pref;
		r[a.n].name = span_of(f->r[a.n].text);
		if (q->type == DNS_SRV)
			take_srv(&r[a.n]);
		else if (q->type != DNS_MX)
			assert_true(ip_parse(r[a.n].name, &r[a.n].ip));
	}
	q->cb(q->arg, &a);
	forget(q);
}

/* --- the hop */

static struct self_locals	none;
static struct hops		hops = { .mx_port = 25 };
static struct buf		told;

static void
got(void *arg, struct hop_list *list, const struct outcome *why)
{
	char	ip[IP_TEXT_MAX];
	size_t	i;

	(void)arg;
	if (list == NULL) {
		assert_non_null(why);
		buf_addf(&told, "%u %s %s", why->code, why->status, why->text);
		return;
	}
	assert_true(list->n > 0);
	for (i = 0; i < list->n; i++) {
		buf_addf(&told, "%s%s%s", i == 0 ? "" : " ",
		    list->at[i].filter ? "filter " : "",
		    list->at[i].lmtp ? "lmtp " : "");
		if (hop_is_local(&list->at[i]))
			buf_addf(&told, "[%s]", list->at[i].name);
		else
			buf_addf(&told, "%s[%s]:%u", list->at[i].name,
			    ip_format(&list->at[i].ip, ip), list->at[i].port);
	}
	hop_list_free(&list);
}

static const char *
resolve(const char *hop)
{
	struct question	*q;
	bool		 pending;

	buf_reset(&told);
	pending = hop_resolve(&hops, span_of(hop), got, NULL) != NULL;
	assert_int_equal(pending, told.n == 0);
	while ((q = TAILQ_FIRST(&open_questions)) != NULL)
		answer(q);
	return buf_cstr(&told);
}

#define TEN	"0123456789"
#define A_ALL	"a.example[192.0.2.1]:25 a.example[192.0.2.2]:25 " \
		"a.example[2001:db8::1]:25"
#define B_ALL	"b.example[192.0.2.3]:25"

static const struct { const char *hop, *wanted; } table[] = {
	{ "host:[192.0.2.9]:2525", "[192.0.2.9]:2525" },
	{ "host:[2001:db8::9]:25", "[2001:db8::9]:25" },
	{ "host:192.0.2.9:25", "[192.0.2.9]:25" },
	{ "host:b.example:587", "b.example[192.0.2.3]:587" },
	{ "host:nosuch.example:25", "451 4.4.4 the next hop has no address: "
	    "nosuch.example" },
	{ "host:dead.example:25", "451 4.4.3 DNS cannot say where it is: "
	    "dead.example" },
	{ "lmtp:/run/lmtp", "lmtp [/run/lmtp]" },
	{ "lmtp:[192.0.2.9]:24", "lmtp [192.0.2.9]:24" },
	{ "lmtp:b.example:24", "lmtp b.example[192.0.2.3]:24" },
	{ "lmtp:b.example", "451 4.3.5 the policy has no hosts for "
	    "lmtp:b.example" },
	{ "lmtp:/" TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN "1234567",
	    "451 4.3.5 the policy has no hosts for lmtp:/" TEN TEN TEN TEN TEN
	    TEN TEN TEN TEN TEN "1234567" },
	{ "host:b.example", "451 4.3.5 the policy has no hosts for "
	    "host:b.example" },
	{ "host:b.example:0", "451 4.3.5 the policy has no hosts for "
	    "host:b.example:0" },
	{ "relay:nosuch", "451 4.3.5 the policy has no hosts for "
	    "relay:nosuch: there is no such relay block" },
	{ "nonsense", "451 4.3.5 the policy has no hosts for nonsense" },
	{ "mx:one.example", A_ALL },
	{ "mx:two.example", A_ALL " " B_ALL },
	{ "mx:nearly.example", A_ALL },
	{ "mx:null.example", "556 5.1.10 the domain takes no mail: "
	    "null.example" },
	{ "mx:nomx.example", "nomx.example[192.0.2.7]:25" },
	{ "mx:nomx.example:2525", "nomx.example[192.0.2.7]:2525" },
	{ "mx:bare.example", "550 5.4.4 the domain's mail hosts have no "
	    "address: bare.example" },
	{ "mx:nosuch.example", "550 5.1.2 no such domain: nosuch.example" },
	{ "mx:gone.example", "550 5.4.4 the domain's mail hosts do not exist: "
	    "gone.example" },
	{ "mx:failing.example", "451 4.4.3 DNS cannot say where it is: "
	    "failing.example" },
	{ "mx:halfway.example", "451 4.4.3 DNS cannot say where it is: "
	    "halfway.example" },
	{ "mx:mixed.example", A_ALL },
	{ "mx:backup.example", A_ALL },
	{ "mx:best.example", "554 5.4.6 mail loops back to this host: "
	    "best.example" },
	{ "mx:byaddress.example", "554 5.4.6 mail loops back to this host: "
	    "byaddress.example" },
	/* an address is no name of a host */
	{ "mx:number.example", "550 5.4.4 the domain's mail hosts do not "
	    "exist: number.example" },
	{ "mx:numbers.example", A_ALL },
	{ "mx:local.example", "554 5.4.6 mail loops back to this host: "
	    "local.example" },
	{ "mx:locals.example", A_ALL },
	{ "mx:many.example", "h39.example[192.0.2.39]:25" },
	{ "mx:[192.0.2.9]", "[192.0.2.9]:25" },
	{ "mx:[IPv6:2001:db8::9]", "[2001:db8::9]:25" },
	{ "mx:[nonsense]", "550 5.1.3 not an address: [nonsense]" },
	/* several, in their order; it is enough that one has addresses */
	{ "host:b.example:2525 mx:one.example", "b.example[192.0.2.3]:2525 "
	    A_ALL },
	{ "host:[192.0.2.9]:25 host:[192.0.2.8]:26", "[192.0.2.9]:25 "
	    "[192.0.2.8]:26" },
	{ "mx:nosuch.example mx:failing.example mx:nomx.example:2525",
	    "nomx.example[192.0.2.7]:2525" },
	{ "mx:nosuch.example mx:failing.example", "451 4.4.3 DNS cannot say "
	    "where it is: failing.example" },
	{ "mx:nosuch.example mx:null.example", "550 5.1.2 no such domain: "
	    "nosuch.example" },
};

static void
a_hop_is_its_addresses(void **state)
{
	size_t	i;

	(void)state;
	for (i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		assert_string_equal(resolve(table[i].hop), table[i].wanted);
}

static size_t
open_now(void)
{
	const struct question	*q;
	size_t			 n = 0;

	TAILQ_FOREACH(q, &open_questions, entry)
		n++;
	return n;
}

static void
hosts_are_asked_for_some_at_a_time(void **state)
{
	unsigned	asked = 0;

	(void)state;
	buf_reset(&told);
	assert_non_null(hop_resolve(&hops, SPAN("mx:many.example"), got, NULL));
	answer(TAILQ_FIRST(&open_questions));
	while (!TAILQ_EMPTY(&open_questions)) {
		assert_in_range(open_now(), 1, 2 * HOP_ASKED_MAX);
		answer(TAILQ_FIRST(&open_questions));
		asked++;
	}
	assert_int_equal(asked, 2 * MANY);
	assert_string_equal(buf_cstr(&told), "h39.example[192.0.2.39]:25");
}

static void
equal_preferences_take_turns(void **state)
{
	unsigned	first_a = 0, i;

	(void)state;
	for (i = 0; i < 200; i++)
		if (resolve("mx:same.example")[0] == 'a')
			first_a++;
	assert_in_range(first_a, 40, 160);
}

static void
a_question_can_be_given_up(void **state)
{
	struct hop_query	*q;

	(void)state;
	buf_reset(&told);
	q = hop_resolve(&hops, SPAN("mx:one.example"), got, NULL);
	hop_cancel(&q);
	assert_null(q);
	assert_true(TAILQ_EMPTY(&open_questions));
	q = hop_resolve(&hops, SPAN("mx:two.example"), got, NULL);
	answer(TAILQ_FIRST(&open_questions));	/* MX */
	answer(TAILQ_FIRST(&open_questions));	/* one of A and AAAA */
	hop_cancel(&q);
	assert_true(TAILQ_EMPTY(&open_questions));
	assert_int_equal(told.n, 0);
}

/* --- relay blocks */

static struct rs_place
place(struct rs_build *b, struct rs_value v)
{
	return (struct rs_place){ .index = rs_build_const(b, &v) };
}

static void
put_setting(struct rs_build *b)
{
	struct rs_place	p = place(b, rs_text(RS_T_TEXT, SPAN("me.example")));
	uint32_t	o = rs_build_object(b, RS_O_SERVER, SPAN(""), 1);

	rs_build_option(b, o, RS_OPT_SERVER_hostname, false, 1, &p, 1);
}

static void
put_relay(struct rs_build *b)
{
	uint32_t	o = rs_build_object(b, RS_O_RELAY, SPAN("hub"), 2);
	struct rs_place	p[2] = {
		place(b, rs_text(RS_T_TEXT, SPAN("b.example"))),
		place(b, rs_int(RS_T_INT, 587))
	};
	struct rs_place	q[2] = {
		place(b, rs_text(RS_T_TEXT, SPAN("2001:db8::5"))),
		{ .index = UINT32_MAX }
	};

	rs_build_option(b, o, RS_OPT_RELAY_host, false, 3, p, 2);
	rs_build_option(b, o, RS_OPT_RELAY_host, false, 4, q, 2);
}

/* `srv "domain"`, and perhaps a host behind it. */
static void
put_srv(struct rs_build *b, const char *name, const char *domain,
    const char *host)
{
	uint32_t	o = rs_build_object(b, RS_O_RELAY, span_of(name), 9);
	struct rs_place	p = place(b, rs_text(RS_T_TEXT, span_of(domain)));

	rs_build_option(b, o, RS_OPT_RELAY_srv, false, 9, &p, 1);
	if (host == NULL)
		return;
	p = place(b, rs_text(RS_T_TEXT, span_of(host)));
	rs_build_option(b, o, RS_OPT_RELAY_host, false, 10, &p, 1);
}

static void
srv_leads_to_where_mail_is_handed_in(void **state)
{
	struct rs_build	*b = rs_build_new();
	struct rs_image	*image;
	struct buf	 octets = { 0 };
	const char	*why = "";

	(void)state;
	put_setting(b);
	put_srv(b, "prov", "prov.example", NULL);
	put_srv(b, "old", "old.example", "192.0.2.9");
	put_srv(b, "none", "a.example", NULL);
	put_srv(b, "shaky", "shaky.example", NULL);
	if (rs_build_finish(b, &octets, &why) == -1 ||
	    (image = rs_image_open_mem(buf_span(&octets).p, octets.n,
	    &why)) == NULL)
		fail_msg("%s", why);
	relay_blocks_free(&hops.blocks);
	hops.blocks = relay_blocks_read(image);
	/* By priority; at the same one where TLS comes first. */
	assert_string_equal(resolve("relay:prov"), "b.example[192.0.2.3]:588 "
	    "a.example[192.0.2.1]:4650 a.example[192.0.2.2]:4650 "
	    "a.example[2001:db8::1]:4650 b.example[192.0.2.3]:465 "
	    "h39.example[192.0.2.39]:587");
	/* "." is no service; lines keep their order. */
	assert_string_equal(resolve("relay:old"),
	    "b.example[192.0.2.3]:587 [192.0.2.9]:25");
	assert_string_equal(resolve("relay:none"), "451 4.4.4 no SRV record "
	    "says where mail is handed in: a.example");
	assert_string_equal(resolve("relay:shaky"), "451 4.4.3 DNS cannot say "
	    "where it is: shaky.example");
	relay_blocks_free(&hops.blocks);
	hops.blocks = relay_blocks_read(NULL);
	rs_image_free(&image);
	rs_build_free(&b);
	buf_clear(&octets);
}

static void
put_filter(struct rs_build *b, const char *name, const char *host,
    uint32_t line)
{
	uint32_t	o = rs_build_object(b, RS_O_FILTER, span_of(name),
			    line);
	struct rs_place	p[2] = {
		place(b, rs_text(RS_T_TEXT, span_of(host))),
		place(b, rs_int(RS_T_INT, 10024))
	};
	struct rs_place	yes = place(b, rs_int(RS_T_INT, 1));

	rs_build_option(b, o, RS_OPT_FILTER_host, false, line, p, 2);
	if (host[0] == 'u')
		rs_build_option(b, o, RS_OPT_FILTER_lmtp, false, line, &yes,
		    1);
}

static void
blocks_are_their_hosts_in_order(void **state)
{
	struct rs_build	*b = rs_build_new();
	struct rs_image	*image;
	struct buf	 octets = { 0 };
	const char	*why = "";

	(void)state;
	put_setting(b);
	put_relay(b);
	put_filter(b, "virus", "192.0.2.9", 6);
	put_filter(b, "scorer", "unix:/run/scorer", 7);
	if (rs_build_finish(b, &octets, &why) == -1)
		fail_msg("%s", why);
	if ((image = rs_image_open_mem(buf_span(&octets).p, octets.n,
	    &why)) == NULL)
		fail_msg("%s", why);
	hops.image = image;
	relay_blocks_free(&hops.blocks);
	hops.blocks = relay_blocks_read(image);
	assert_string_equal(resolve("relay:hub"),
	    "b.example[192.0.2.3]:587 [2001:db8::5]:25");
	assert_string_equal(resolve("relay:hu"),
	    "451 4.3.5 the policy has no hosts for relay:hu: there is no such "
	    "relay block");
	assert_string_equal(resolve("filter:virus"),
	    "filter [192.0.2.9]:10024");
	assert_string_equal(resolve("filter:scorer"),
	    "filter lmtp [/run/scorer]");
	assert_string_equal(resolve("filter:hub"),
	    "451 4.3.5 the policy has no hosts for filter:hub");
	assert_true(rs_image_uses_sockets(image));
	hops.image = NULL;
	relay_blocks_free(&hops.blocks);
	hops.blocks = relay_blocks_read(NULL);
	rs_image_free(&image);
	rs_build_free(&b);
	buf_clear(&octets);
}

/* --- who we are, and who is dead */

static void
a_listener_is_ourselves(void **state)
{
	struct ip		 local, other;
	struct self_locals	 locals = { 1, &local };
	struct self		*s = self_new(SPAN("me.example"), &locals);

	(void)state;
	assert_true(ip_parse(SPAN("192.0.2.50"), &local));
	assert_true(ip_parse(SPAN("192.0.2.51"), &other));
	self_add_listener(s, SPAN("*:25"));
	self_add_listener(s, SPAN("[2001:db8::1]:587"));
	self_add_listener(s, SPAN("nonsense"));
	assert_true(self_is_address(s, &local, 25));
	assert_false(self_is_address(s, &local, 26));
	assert_false(self_is_address(s, &other, 25));
	assert_true(ip_parse(SPAN("127.0.0.2"), &other));
	assert_true(self_is_address(s, &other, 25));
	assert_true(ip_parse(SPAN("0.0.0.0"), &other));
	assert_true(self_is_address(s, &other, 25));
	assert_true(ip_parse(SPAN("::"), &other));
	assert_true(self_is_address(s, &other, 25));
	assert_true(ip_parse(SPAN("2001:db8::1"), &other));
	assert_true(self_is_address(s, &other, 587));
	assert_true(self_is_name(s, SPAN("ME.example")));
	self_unref(&s);
}

static int
make_self(void **state)
{
	(void)state;
	hops.self = self_new(SPAN("me.example"), &none);
	hops.blocks = relay_blocks_read(NULL);
	self_add_listener(hops.self, SPAN("198.51.100.1:25"));
	return 0;
}

static int
drop_self(void **state)
{
	(void)state;
	self_unref(&hops.self);
	relay_blocks_free(&hops.blocks);
	buf_clear(&told);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		cmocka_unit_test(a_hop_is_its_addresses),
		cmocka_unit_test(hosts_are_asked_for_some_at_a_time),
		cmocka_unit_test(equal_preferences_take_turns),
		cmocka_unit_test(a_question_can_be_given_up),
		cmocka_unit_test(blocks_are_their_hosts_in_order),
		cmocka_unit_test(srv_leads_to_where_mail_is_handed_in),
		cmocka_unit_test(a_listener_is_ourselves),
	};

	return cmocka_run_group_tests(tests, make_self, drop_self);
}
