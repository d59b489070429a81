/*
 * user.c - `waybill user add|passwd|app|list|remove|verify`: the accounts of a
 * table that is a text.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/json.h"
#include "base/xalloc.h"
#include "mta/auth/edit.h"
#include "mta/auth/secret.h"

#include "mta/cmd/user.h"

/* A change that is being made. */
struct change {
	struct user_run		*run;
	struct span		 name, app;
	struct user_file	 file;
	struct edit_place	 place;
	struct buf		 password, secrets, text;	/* wiped */
};

/* --- secrets of a password */

/* The next scheme of a list with commas; false: there is none of that name. */
static bool
take_scheme(struct span *list, enum account_scheme *out)
{
	ptrdiff_t	 comma = span_index(*list, ',');
	struct span	 word = *list;

	if (comma >= 0)
		word.n = (size_t)comma;
	*list = span_from(*list, word.n + 1);
	return account_scheme_find(span_trim(word), out);
}

/* The first secret of a scheme among those of an account. */
struct first_scram {
	enum account_scheme	 scheme;
	struct account_scram	 scram;
	bool			 found;
};

static void
look_at_secret(void *arg, const struct account_item *i)
{
	struct first_scram	*f = arg;

	if (!f->found && i->part == ACCOUNT_SECRET && i->scheme == f->scheme)
		f->found = account_scram_parse(f->scheme, i->value, &f->scram);
}

/*
 * SCRAM has one salt for a user, whichever of his passwords he uses: what is
 * made has that of the secret that the account has.
 */
static bool
its_scram(const struct change *c, enum account_scheme s,
    struct account_scram *out)
{
	struct first_scram		 f = { .scheme = s };
	const struct account_reader	 r = { look_at_secret, NULL, &f };

	if (account_scheme_form(s) != ACCOUNT_FORM_SCRAM || !c->place.found)
		return false;
	account_parse_secrets(span_mem(buf_span(&c->file.text).p +
	    c->place.secrets_at, c->place.secrets_n), &r);
	*out = f.scram;
	return f.found;
}

/* random: a password of our own. */
static int
make_secrets(struct change *c, struct span password, bool random)
{
	const char		*given = c->run->scheme;
	struct span		 list = span_of(given != NULL ? given :
	    random ? "SCRAM-SHA-256" : "CRYPT,SCRAM-SHA-256");
	struct buf		*out = &c->secrets;
	struct account_scram	 has;
	enum account_scheme	 s;
	const char		*why = "no such scheme";
	size_t			 n = 0;

	(void)buf_reserve(out, 8192);
	do {
		if (n > 0)
			buf_add_char(out, ' ');
		if (!take_scheme(&list, &s) || secret_make(s, password, random,
		    its_scram(c, s, &has) ? &has : NULL, out, &why) == -1) {
			fprintf(stderr, "waybill user: --scheme: %s\n", why);
			return CMD_USAGE;
		}
	} while (++n < ACCOUNT_SECRETS_MAX && list.n > 0);
	return CMD_OK;
}

/* From the terminal or the standard input, before the file is locked. */
static int
ask_password(struct change *c, const char *name)
{
	if (c->run->no_password)
		return CMD_OK;
	(void)buf_reserve(&c->password, SECRET_PASSWORD_MAX + 1);
	return user_password(name, true, &c->password) == 0 ? CMD_OK :
	    CMD_USAGE;
}

static int
secrets_of_password(struct change *c)
{
	if (!c->run->no_password)
		return make_secrets(c, buf_span(&c->password), false);
	buf_add_char(&c->secrets, 'x');
	return CMD_OK;
}

/* --- a change */

static int
no(const struct change *c, const char *what)
{
	fprintf(stderr, "waybill user: %s: '%.*s' %s\n", c->file.path,
	    SPAN_ARG(c->name), what);
	return CMD_NO;
}

/* Opens the file, which has no mistakes, and finds the user. */
static int
change_begin(struct change *c, bool may_be_new)
{
	const char	*why;
	int		 status;

	status = user_file_open(&c->file, c->run->path, true, may_be_new);
	if (status != CMD_OK)
		return status;
	if (c->file.mistakes > 0) {
		fprintf(stderr, "waybill user: a file with mistakes is not "
		    "changed\n");
		return CMD_NO;
	}
	if (c->file.fd == -1)
		return CMD_OK;		/* nobody is there yet */
	if (edit_find(c->file.fd, c->name, c->app, &c->place, &why) == 0)
		return CMD_OK;
	fprintf(stderr, "waybill user: %s: %s\n", c->file.path, why);
	return CMD_USAGE;
}

static int
change_end(struct change *c)
{
	return user_file_replace(&c->file, buf_span(&c->text)) == 0 ? CMD_OK :
	    CMD_USAGE;
}

static void
change_clear(struct change *c)
{
	secret_buf_clear(&c->password);
	secret_buf_clear(&c->secrets);
	secret_buf_clear(&c->text);
	user_file_close(&c->file);
}

/* What was done, and for app add the password. */
static int
say_done(const struct change *c, const char *done, const char *password)
{
	struct buf	 out = { 0 };
	struct json	 j;

	if (!c->run->json) {
		if (password != NULL)
			printf("%s\n", password);
		else
			printf("%.*s: %s\n", SPAN_ARG(c->name), done);
		return CMD_OK;
	}
	json_init(&j, &out);
	json_object(&j, NULL);
	json_text(&j, "name", c->name);
	if (c->app.n > 0)
		json_text(&j, "app", c->app);
	json_str(&j, "done", done);
	json_str(&j, "file", c->file.path);
	if (password != NULL)
		json_str(&j, "password", password);
	json_object_end(&j);
	buf_add_char(&out, '\n');
	cmd_write(&out);
	return CMD_OK;
}

/* --- the words */

static int
refuse(const char *word, const char *why)
{
	fprintf(stderr, "waybill user: '%s': %s\n", word, why);
	return CMD_USAGE;
}

/* What cannot stand there as the name of an account. */
static const char *
name_fault(const char *name)
{
	const char	*why = account_name_fault(span_of(name));

	if (why != NULL)
		return why;
	if (name[0] == '#')
		return "a line that begins with '#' is a comment";
	return strchr(name, ':') != NULL ? "a name has no ':'" : NULL;
}

static int
take_columns(char **argv, int n, struct edit_column *out)
{
	const char	*why;
	char		*eq;
	int		 i;

	for (i = 0; i < n; i++) {
		if ((eq = strchr(argv[i], '=')) == NULL)
			return refuse(argv[i], "a column is `name=value`");
		out[i].name = span_mem(argv[i], (size_t)(eq - argv[i]));
		out[i].value = span_of(eq + 1);
		why = account_column_fault(out[i].name, out[i].value);
		if (why != NULL)
			return refuse(argv[i], why);
	}
	return CMD_OK;
}

static int
add(struct change *c, int argc, char **argv)
{
	struct edit_column	 columns[ACCOUNT_COLUMNS_MAX];
	const char		*why = name_fault(argv[0]);
	int			 status;

	if (why != NULL)
		return refuse(argv[0], why);
	if (argc - 1 > ACCOUNT_COLUMNS_MAX)
		return refuse(argv[0], "more than 64 columns");
	if ((status = take_columns(argv + 1, argc - 1, columns)) != CMD_OK ||
	    (status = ask_password(c, argv[0])) != CMD_OK ||
	    (status = change_begin(c, true)) != CMD_OK)
		return status;
	if (c->place.found)
		return no(c, "is there already");
	if ((status = secrets_of_password(c)) != CMD_OK)
		return status;
	edit_add(buf_span(&c->file.text), c->name, buf_span(&c->secrets),
	    columns, (size_t)(argc - 1), &c->text);
	status = change_end(c);
	return status == CMD_OK ? say_done(c, "added", NULL) : status;
}

static int
passwd(struct change *c, int argc, char **argv)
{
	int	 status;

	(void)argc;
	if ((status = ask_password(c, argv[0])) != CMD_OK ||
	    (status = change_begin(c, false)) != CMD_OK)
		return status;
	if (!c->place.found)
		return no(c, "is not there");
	if ((status = secrets_of_password(c)) != CMD_OK)
		return status;
	edit_passwd(buf_span(&c->file.text), &c->place,
	    buf_span(&c->secrets), &c->text);
	status = change_end(c);
	return status == CMD_OK ? say_done(c, "has another password", NULL) :
	    status;
}

static int
remove_user(struct change *c, int argc, char **argv)
{
	int	 status;

	(void)argc;
	(void)argv;
	if ((status = change_begin(c, false)) != CMD_OK)
		return status;
	if (!c->place.found)
		return no(c, "is not there");
	edit_remove(buf_span(&c->file.text), &c->place, &c->text);
	status = change_end(c);
	return status == CMD_OK ? say_done(c, "removed", NULL) : status;
}

/* --- app passwords */

static struct span
today(char out[16])
{
	time_t		 now = time(NULL);
	struct tm	 tm;

	(void)localtime_r(&now, &tm);
	return span_mem(out, strftime(out, 16, "%Y-%m-%d", &tm));
}

static int
app_find(struct change *c)
{
	int	 status = change_begin(c, false);

	return status == CMD_OK && !c->place.found ? no(c, "is not there") :
	    status;
}

static int
app_write(struct change *c, const char *password)
{
	char	 date[16];
	int	 status;

	if ((status = app_find(c)) != CMD_OK)
		return status;
	if (c->place.app_found)
		return no(c, "has an app of that name already");
	if (c->place.napps >= ACCOUNT_APPS_MAX)
		return no(c, "has 64 apps");
	status = make_secrets(c, span_of(password), true);
	if (status != CMD_OK)
		return status;
	edit_app_add(buf_span(&c->file.text), &c->place, c->app, today(date),
	    buf_span(&c->secrets), &c->text);
	status = change_end(c);
	return status == CMD_OK ? say_done(c, "app added", password) : status;
}

static int
app_add(struct change *c, int argc, char **argv)
{
	char		 password[SECRET_RANDOM_SIZE];
	const char	*why;
	int		 status;

	(void)argc;
	c->app = span_of(argv[1]);
	if ((why = account_app_fault(c->app)) != NULL)
		return refuse(argv[1], why);
	secret_random(password);
	status = app_write(c, password);
	explicit_bzero(password, sizeof(password));
	return status;
}

static int
app_remove(struct change *c, int argc, char **argv)
{
	int	 status;

	(void)argc;
	c->app = span_of(argv[1]);
	if ((status = app_find(c)) != CMD_OK)
		return status;
	if (!c->place.app_found)
		return no(c, "has no app of that name");
	edit_app_remove(buf_span(&c->file.text), &c->place, &c->text);
	status = change_end(c);
	return status == CMD_OK ? say_done(c, "app removed", NULL) : status;
}

/* --- */

static const struct word {
	const char	*word, *second;		/* "app", "add" */
	int		 least, most;		/* arguments behind them */
	int		(*change)(struct change *, int, char **);
} words[] = {
	{ "add", NULL, 1, 1 + ACCOUNT_COLUMNS_MAX, add },
	{ "passwd", NULL, 1, 1, passwd },
	{ "remove", NULL, 1, 1, remove_user },
	{ "app", "add", 2, 2, app_add },
	{ "app", "remove", 2, 2, app_remove },
	{ "list", NULL, 0, 1, NULL },
	{ "verify", NULL, 1, 1, NULL },
};

static const struct word *
find_word(int n, char **argv)
{
	size_t	 i;

	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (n < 1 || strcmp(argv[0], words[i].word) != 0)
			continue;
		if (words[i].second == NULL ||
		    (n > 1 && strcmp(argv[1], words[i].second) == 0))
			return &words[i];
	}
	return NULL;
}

static int
run_change(struct user_run *u, const struct word *w, int n, char **argv)
{
	struct change	 c = { .run = u, .name = span_of(argv[0]) };
	int		 status;

	if (u->path == NULL)
		return user_say_kept(u);
	c.file.dir = c.file.fd = -1;
	status = w->change(&c, n, argv);
	change_clear(&c);
	return status;
}

static int
run_word(struct user_run *u, const struct word *w, int n, char **argv)
{
	int	 status = user_where(u);

	if (status != CMD_OK)
		;
	else if (w->change != NULL)
		status = run_change(u, w, n, argv);
	else if (w->least == 0)
		status = user_list(u, n > 0 ? argv[0] : NULL);
	else
		status = user_verify(u, argv[0]);
	user_where_clear(u);
	return status;
}

int
cmd_user(int argc, char **argv)
{
	struct user_run		 u = { .policy = NULL };
	const struct cmd_opt	 opts[] = {
		{ OPT_TEXT, "policy", 'c', { .text = &u.policy } },
		{ OPT_TEXT, "file", 0, { .text = &u.file } },
		{ OPT_TEXT, "map", 0, { .text = &u.map } },
		{ OPT_TEXT, "scheme", 0, { .text = &u.scheme } },
		{ OPT_TEXT, "libexec", 0, { .text = &u.libexec } },
		{ OPT_FLAG, "no-password", 0, { .flag = &u.no_password } },
		{ OPT_FLAG, "json", 0, { .flag = &u.json } },
		{ OPT_END, NULL, 0, { NULL } }
	};
	const struct word	*w;
	int			 n, skip;

	if ((n = cmd_options(argc, argv, opts)) == -1)
		return CMD_USAGE;
	if ((w = find_word(n, argv + 1)) == NULL)
		return cmd_usage(argv[0], "what is to be done? add, passwd, "
		    "app add, app remove, list, remove or verify");
	skip = w->second != NULL ? 2 : 1;
	if (n - skip < w->least || n - skip > w->most)
		return cmd_usage(argv[0], w->second != NULL ?
		    "which user and app?" : "which user?");
	if ((u.policy == NULL) == (u.file == NULL))
		return cmd_usage(argv[0], "-c POLICY or --file TEXT?");
	return run_word(&u, w, n - skip, argv + 1 + skip);
}
