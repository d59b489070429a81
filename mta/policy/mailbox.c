/*
 * mailbox.c - the account and the folder of a recipient that is delivered here,
 * its quota, and how it is delivered.
 *
 * The account's key is what the mailbox block says (`account "{user}"`), asked
 * in its table with the user as written first, then without the detail: the
 * exact before the general.  The path is the block's, with the account's
 * values escaped as names of files.
 */
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>

#include "mail/address.h"
#include "mta/msg/deliver.h"

#include "mta/policy/policy_int.h"

#define ACCOUNT_MAX	1000	/* octets; mta/msg/target.h carries 1024 */
#define FOLDER_MAX	1000	/* octets; a longer one names none */

static bool
must_escape(const char *p, size_t i)
{
	unsigned char	c = (unsigned char)p[i];

	return c < 0x20 || c == 0x7f || c == '/' || c == '%' ||
	    (c == '.' && i == 0);
}

struct span
mailbox_escape(struct span s, struct arena *ar)
{
	static const char	 hex[] = "0123456789ABCDEF";
	size_t			 i, n = 0;
	char			*out;

	for (i = 0; i < s.n; i++)
		n += must_escape(s.p, i) ? 3 : 1;
	if (n == s.n)
		return s;
	out = arena_alloc(ar, n + 1);
	for (i = n = 0; i < s.n; i++) {
		if (!must_escape(s.p, i)) {
			out[n++] = s.p[i];
			continue;
		}
		out[n++] = '%';
		out[n++] = hex[(unsigned char)s.p[i] >> 4];
		out[n++] = hex[(unsigned char)s.p[i] & 15];
	}
	return span_mem(out, n);
}

static enum mailbox_step
later(struct mailbox_find *m, const char *why)
{
	m->why = why;
	return BOX_LATER;
}

/* The user whose account is asked next. */
static enum mailbox_step
next_user(struct mailbox_find *m, struct policy_facts *f)
{
	if (m->user == m->nusers)
		return BOX_NONE;
	f->account_detail = m->user == 0 ? SPAN_NONE : m->detail;
	f->account_user = m->users[m->user++];
	f->account_domain = m->domain;
	f->account = SPAN_NONE;
	m->place = m->box->account;
	return BOX_ASK;
}

enum mailbox_step
mailbox_begin(struct mailbox_find *m, struct asking *asking, uint32_t object,
    const struct address *a, bool whole, struct policy_facts *f,
    struct arena *ar)
{
	struct policy	*p = asking->policy;

	*m = (struct mailbox_find){ .policy = p, .asking = asking,
	    .object = object, .whole = whole };
	m->box = &p->boxes[object];
	if (m->box->accounts >= p->nmaps)
		return later(m, "the mailbox has no table of accounts");
	m->domain = a->at == a->whole.n ? p->hostname : address_domain(a);
	m->users[0] = address_user(a, ar);
	m->nusers = 1;
	address_detail(m->users[0], p->detail, &m->users[1], &m->detail);
	if (!m->box->no_detail && m->users[1].n > 0 && m->users[1].n < m->users[0].n)
		m->nusers = 2;
	return next_user(m, f);
}

static void
record_asked(struct rs_record *rec, uint32_t map, struct span key,
    enum map_result is, const struct table_answers *as)
{
	struct rs_step			 s = { .kind = RS_STEP_MAP,
	    .number = map };
	const struct map_answer		*a = &as->all[0].a;

	if (rec == NULL)
		return;
	s.key = rs_text(RS_T_TEXT, key);
	s.line = as->all[0].map == map ? a->line : 0;
	if (is == MAP_FOUND)
		s.value = rs_text(RS_T_TEXT, a->key);
	else if (is != MAP_NONE)
		s.value = rs_unknown(RS_WHY_TABLE);
	rs_record_add(rec, &s);
}

/*
 * The user as the table writes it, where the key is nothing but another
 * spelling of what was asked: one account, one folder.
 */
static struct span
spelling(struct span user, struct span asked, struct span key)
{
	size_t	i;

	if (!span_ieq(asked, key))
		return user;
	for (i = 0; i + user.n <= asked.n; i++)
		if (span_eq(span_mem(asked.p + i, user.n), user))
			return span_mem(key.p + i, user.n);
	return user;
}

/* A column of the account's record that is a number below 2^32 - 1. */
static bool
number_in(struct span record, struct span name, uint32_t *out)
{
	struct span	 line;
	ptrdiff_t	 eol;
	uint64_t	 n;

	while (record.n > 0) {
		eol = span_index(record, '\n');
		line = span_mem(record.p, eol < 0 ? record.n : (size_t)eol);
		record = span_from(record, line.n + 1);
		if (!span_prefix(line, name) ||
		    !span_u64(span_from(line, name.n), UINT32_MAX - 1, &n))
			continue;
		*out = (uint32_t)n;
		return true;
	}
	return false;
}

/* The account's key is known: is there such a one? */
static enum mailbox_step
account_told(struct mailbox_find *m, struct span key, struct policy_facts *f,
    struct rs_record *rec, struct arena *ar)
{
	struct map_question	 q = { .ask = MAP_ASK_KEY, .key = key };
	struct table_answers	 as = { .all = &as.one };
	const struct map_answer	*a;
	enum map_result		 is = MAP_NONE;

	if (key.n > 0)
		is = tables_ask(m->asking, m->box->accounts, &q, &as);
	if (is == MAP_WAIT)
		return BOX_WAIT;
	a = &as.all[0].a;
	record_asked(rec, m->box->accounts, key, is, &as);
	if (key.n > 0)
		trace_record(m->asking, rec);
	if (is == MAP_NONE)
		return next_user(m, f);
	if (is != MAP_FOUND)
		return later(m, "the table of accounts cannot be asked");
	if (key.n > ACCOUNT_MAX)
		return later(m, "the account's name is too long");
	/* Where nothing is delivered (`test`, RCPT) nobody has to own it. */
	if (m->box->owner_account && m->policy->owner != NULL &&
	    (!number_in(a->value, SPAN("uid="), &m->uid) ||
	    !number_in(a->value, SPAN("gid="), &m->gid)))
		return later(m, "the account has no uid and gid, and `owner "
		    "account` wants them");
	m->account = arena_span(ar, a->key.n == key.n ? a->key : key);
	f->account = m->account;
	f->account_user = arena_span(ar,
	    spelling(f->account_user, key, m->account));
	m->step = FIND_PATH;
	m->place = m->box->path;
	return BOX_ASK;
}

/* From here on places may be none. */
static enum mailbox_step
ask_next(struct mailbox_find *m, unsigned step)
{
	m->step = step;
	m->place = step == FIND_FORWARD ? m->box->forward :
	    step == FIND_QUOTA ? m->box->quota : m->box->folder;
	return BOX_ASK;
}

static enum mailbox_step
path_told(struct mailbox_find *m, struct span path, bool empty_name,
    struct arena *ar)
{
	if (empty_name)
		return later(m, "a part of the mailbox' path is empty");
	if (path.n == 0 || path.p[0] != '/' || path.n >= PATH_MAX ||
	    span_index(path, '\0') != -1)
		return later(m, "the mailbox' path is none, or not absolute");
	m->path = arena_span(ar, path);
	return m->whole ? ask_next(m, FIND_FORWARD) : BOX_DONE;
}

/* One that is none, or a part of it: this account has none. */
static enum mailbox_step
forward_told(struct mailbox_find *m, struct span path, bool empty_name,
    struct arena *ar)
{
	if (!empty_name && path.n > 0) {
		if (path.p[0] != '/' || path.n >= PATH_MAX ||
		    span_index(path, '\0') != -1)
			return later(m, "the forward file's path is not "
			    "absolute");
		m->forward = arena_span(ar, path);
	}
	return ask_next(m, FIND_QUOTA);
}

/* The value of a quota: nothing and 0 are none. */
static enum mailbox_step
quota_told(struct mailbox_find *m, const struct rs_value *v)
{
	if (v->type == RS_T_SIZE && v->i > 0)
		m->quota = (uint64_t)v->i;
	return ask_next(m, FIND_FOLDER);
}

enum mailbox_step
mailbox_told(struct mailbox_find *m, const struct rs_value *v,
    bool empty_name, struct policy_facts *f, struct rs_record *rec,
    struct arena *ar)
{
	struct span	text = SPAN_NONE;

	if (v->type == RS_T_UNKNOWN)
		return later(m, "a table cannot be asked");
	if (v->type != RS_T_NONE)
		text = rs_format(v, ar);
	switch (m->step) {
	case FIND_ACCOUNT:
		return account_told(m, text, f, rec, ar);
	case FIND_PATH:
		return path_told(m, text, empty_name, ar);
	case FIND_FORWARD:
		return forward_told(m, text, empty_name, ar);
	case FIND_QUOTA:
		return quota_told(m, v);
	case FIND_FOLDER:
		break;
	}
	m->folder = text.n > FOLDER_MAX ? SPAN_NONE : arena_span(ar, text);
	return BOX_DONE;
}

/* --- how it is delivered */

/* The words of an option, a comma between. */
static void
add_words(const struct mailbox_find *m, enum rs_option option, struct buf *out)
{
	const struct rs_image	*im = m->policy->image;
	const struct rs_optval	*v;
	struct rs_place		 pl;
	unsigned		 i;

	if (!rs_option(im, m->object, option, 0, &v))
		return;
	for (i = 0; i < v->nplaces; i++) {
		pl = rs_option_place(im, v, i);
		if (pl.is_func || pl.index == UINT32_MAX)
			continue;
		if (out->n > 0)
			buf_add_char(out, ',');
		buf_add_span(out, rs_const(im, pl.index).s);
	}
}

static void
add_option(const struct mailbox_find *m, enum rs_option option,
    unsigned as, struct buf *out)
{
	struct buf	words = { 0 };

	add_words(m, option, &words);
	deliver_option_add(out, as, buf_span(&words));
	buf_clear(&words);
}

static bool
is_mbox(const struct mailbox_find *m)
{
	struct buf	word = { 0 };
	bool		mbox;

	add_words(m, RS_OPT_MAILBOX_format, &word);
	mbox = span_eq(buf_span(&word), SPAN("mbox"));
	buf_clear(&word);
	return mbox;
}

struct span
mailbox_how(const struct mailbox_find *m, struct arena *ar)
{
	bool		mbox = is_mbox(m);
	struct buf	b = { 0 };
	struct span	how;
	char		number[24];

	if (!mbox && m->quota == 0 && m->folder.n == 0)
		return SPAN_NONE;
	buf_add_char(&b, mbox ? DELIVER_MBOX : DELIVER_MAILDIR);
	if (!mbox && m->folder.n > 0)
		deliver_option_add(&b, DELIVER_FOLDER, m->folder);
	if (m->quota > 0) {
		snprintf(number, sizeof(number), "%" PRIu64, m->quota);
		deliver_option_add(&b, DELIVER_QUOTA, span_of(number));
		add_option(m, RS_OPT_MAILBOX_over_quota, DELIVER_OVER, &b);
	}
	if (mbox)
		add_option(m, RS_OPT_MAILBOX_locks, DELIVER_LOCKS, &b);
	how = arena_span(ar, buf_span(&b));
	buf_clear(&b);
	return how;
}
