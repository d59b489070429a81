/*
 * accounts_fuzz.c - any text as a file of accounts: what the table says, what
 * the secrets' reader says, and what a change leaves agree.
 */
#include "config.h"

#include <sys/mman.h>

#include <assert.h>
#include <unistd.h>

#include "base/fileio.h"
#include "mta/auth/accounts.h"
#include "mta/auth/edit.h"
#include "mta/auth/rows.h"
#include "mta/auth/secret.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static int
file_of(struct span text)
{
	int	 fd = memfd_create("accounts", MFD_CLOEXEC);

	assert(fd != -1 && file_write_all(fd, text.p, text.n) == 0);
	return fd;
}

struct counts {
	size_t		 entries, broken, items, mistakes;
	struct span	 raw;
};

static void
on_item(void *arg, const struct account_item *i)
{
	struct counts	*c = arg;
	const char	*weak;

	c->items++;
	assert(i->name.n == 0 || (i->name.p >= c->raw.p &&
	    i->name.p + i->name.n <= c->raw.p + c->raw.n));
	if (i->part == ACCOUNT_SECRET)
		assert(account_secret_fault(i->scheme, i->value, &weak) ==
		    NULL);
	if (i->part == ACCOUNT_COLUMN)
		assert(account_column_fault(i->name, i->value) == NULL);
	if (i->part == ACCOUNT_APP)
		assert(account_app_fault(i->name) == NULL && i->line.n > 0);
}

static void
on_fault(void *arg, enum account_fault f, const char *at, const char *what)
{
	struct counts	*c = arg;

	assert(at >= c->raw.p && at <= c->raw.p + c->raw.n);
	assert(what[0] != '\0');
	c->mistakes += f != ACCOUNT_WEAK;
}

static void
on_entry(void *arg, const struct account_entry *e)
{
	struct counts			*c = arg;
	const struct account_reader	 r = { on_item, on_fault, c };
	struct span			 name, head;

	c->entries++;
	c->broken += e->broken;
	if (e->broken)
		return;
	c->raw = e->raw;
	assert(account_parse(e->raw, &r, &name, &head) == NULL);
	assert(span_eq(name, e->name));
}

static void
count_mistake(void *arg, const struct map_problem *p)
{
	size_t	*n = arg;

	*n += !p->warning;
}

/* The directory: each user of it is in the file, and no value is a secret. */
static size_t
check_table(int fd)
{
	size_t			 mistakes = 0;
	struct map_source	 src = { .name = SPAN("m"),
	    .driver = SPAN("text"), .kind = SPAN("accounts"), .fd = fd,
	    .problem = count_mistake, .arg = &mistakes };
	struct map		*m = map_open(&src);

	map_close(&m);
	return mistakes;
}

/* A change of a file without mistakes leaves one. */
static void
check_edits(int fd, struct span text)
{
	static const struct edit_column	 column = { SPAN("note"), SPAN("1") };
	struct span			 name = SPAN("new.user");
	struct edit_place		 p;
	struct buf			 out = { 0 };
	const char			*why;
	int				 changed;

	assert(edit_find(fd, name, SPAN("new"), &p, &why) == 0);
	if (!p.found)
		edit_add(text, name, SPAN("{PLAIN}x"), &column, 1, &out);
	else if (p.app_found)
		edit_app_remove(text, &p, &out);
	else if (p.napps < ACCOUNT_APPS_MAX)
		edit_app_add(text, &p, SPAN("new"), SPAN("2026-11-21"),
		    SPAN("{PLAIN}x"), &out);
	else
		edit_passwd(text, &p, SPAN("x"), &out);
	changed = file_of(buf_span(&out));
	assert(check_table(changed) == 0);
	assert(edit_find(changed, name, SPAN("new"), &p, &why) == 0);
	assert(p.found);
	close(changed);
	secret_buf_clear(&out);
}

/* No password is tried: hashes take too long here. */
static void
check_proofs(const struct proof_of *of)
{
	struct proof_scram	 s;
	struct proof		 p;
	enum auth_hash		 h;

	for (h = AUTH_SHA_1; h <= AUTH_SHA_256; h++) {
		if (proof_scram_begins(of, h, &s))
			assert(s.nsalt > 0 && s.nsalt <= AUTH_SALT_MAX &&
			    s.iterations > 0 &&	/* too few: a warning */
			    s.iterations <= SCRAM_ITERATIONS_MAX);
		proof_scram(of, h, SPAN("n=ann,r=1"), SPAN(
		    "0123456789abcdefghij0123456789ab"), &p);
		assert(p.result != AUTH_RIGHT);
	}
	proof_cram(of, SPAN("<1@example.org>"), SPAN("0123456789abcdef"), &p);
	assert(p.result != AUTH_RIGHT);
	assert((proof_offers(of).sane & ~proof_offers(of).could) == 0);
	proof_password(of, SPAN_NONE, &p);
	assert(p.result != AUTH_RIGHT);
}

static void
check_verdicts(int fd)
{
	const char		*why;
	struct accounts		*a = accounts_open(fd, &why);
	struct proof_of		 of = { .n = 0 };

	assert(a != NULL);
	if (accounts_find(a, SPAN("ann"), &of.raw) == MAP_FOUND)
		check_proofs(&of);
	else
		assert(of.raw.n == 0);
	accounts_close(&a);
}

/* The lines as rows of a server, of one column or of two. */
static void
check_rows(struct span text)
{
	struct span		 values[2 * (ROWS_MAX + 1)];
	struct asked_rows	 rows = { .values = values };
	struct auth_rows	 r;
	struct proof_of		 of = { .v = r.v };
	const char		*why;
	ptrdiff_t		 lf;
	size_t			 n = 0;

	rows.ncolumns = text.n % 2 + 1;
	while (text.n > 0 && n < sizeof(values) / sizeof(values[0])) {
		lf = span_index(text, '\n');
		values[n++] = lf < 0 ? text : span_mem(text.p, (size_t)lf);
		text = span_from(text, lf < 0 ? text.n : (size_t)lf + 1);
	}
	rows.nrows = n / rows.ncolumns;
	if (auth_rows_take(&r, &rows, &why) == 0) {
		of.n = r.n;
		check_proofs(&of);
	}
	auth_rows_clear(&r);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct span	 text = span_mem(data, n);
	struct counts	 c = { .entries = 0 };
	const char	*why;
	int		 fd = file_of(text);

	assert(accounts_each(fd, on_entry, &c, &why) == 0);
	check_verdicts(fd);
	check_rows(text);
	if (check_table(fd) == 0) {
		assert(c.broken == 0 && c.mistakes == 0);
		check_edits(fd, text);
	}
	close(fd);
	return 0;
}
