/*
 * certificates.c - what can be said of a policy's certificates before it runs.
 *
 * As far as whoever asks may read: without the key it cannot be known whether
 * the two belong together, and that is said.  A file that is not there is no
 * fault of the policy's, which may be written on another machine.
 */
#include "config.h"

#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fileio.h"
#include "base/json.h"
#include "base/tls.h"
#include "base/tls_connect.h"
#include "base/xalloc.h"
#include "mta/keys/pair.h"

#include "mta/cmd/cmd.h"

typedef void say_fn(void *arg, const char *file, bool warning, const char *text);

/* The files of one block. */
struct block {
	char		*paths[KEYS_NPARTS];
	struct buf	 octets[KEYS_NPARTS];
	say_fn		*say;
	void		*arg;
	size_t		 warnings;
};

static void
say(struct block *b, enum keys_part part, bool warning, const char *text)
{
	b->warnings += warning;
	b->say(b->arg, b->paths[part], warning, text);
}

/* 0; or errno, EINVAL where it is no plain file. */
static int
read_part(const char *path, size_t max, struct buf *out, struct stat *st)
{
	int	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	int	error = 0;

	if (fd == -1)
		return errno;
	if (fstat(fd, st) == -1)
		error = errno;
	else if (!S_ISREG(st->st_mode))
		error = EINVAL;
	else if (file_read_fd(fd, max, out) == -1)
		error = errno;
	close(fd);
	return error;
}

/* Whether it is there to look at. */
static bool
has_part(struct block *b, enum keys_part part, size_t max)
{
	struct stat	 st;
	int		 error;

	if (b->paths[part] == NULL)
		return false;
	error = read_part(b->paths[part], max, &b->octets[part], &st);
	if (error == 0 && part == KEYS_KEY && (st.st_mode & S_IRWXO) != 0)
		say(b, part, true, "others than its owner and group may open "
		    "the key");
	if (error == 0)
		return true;
	if (error == EACCES && part == KEYS_KEY)
		say(b, part, false, "may not be read by you: whether it "
		    "belongs to the certificate is found at the start");
	else
		say(b, part, false, error == EINVAL ? "not a plain file" :
		    strerror(error));
	return false;
}

typedef int pair_fn(const struct span parts[KEYS_NPARTS], int64_t, struct pair *, struct pair_fault *);

/* without: where the key is not to be had; NULL: nothing is told then. */
static void
look(struct block *b, pair_fn *with, pair_fn *without)
{
	struct span		parts[KEYS_NPARTS];
	struct pair		p;
	struct pair_fault	f;
	bool			key;

	for (unsigned i = 0; i < KEYS_NPARTS; i++)
		parts[i] = SPAN_NONE;
	if (!has_part(b, KEYS_CERTIFICATE, KEYS_PART_MAX))
		return;
	key = has_part(b, KEYS_KEY, KEYS_PART_MAX);
	(void)has_part(b, KEYS_STAPLE, KEYS_PART_MAX);
	(void)has_part(b, KEYS_AUTHORITIES, KEYS_PART_MAX);
	for (unsigned i = 0; i < KEYS_NPARTS; i++)
		parts[i] = buf_span(&b->octets[i]);
	if (!key && without == NULL)
		return;
	if ((key ? with : without)(parts, clock_wall_ms() / 1000, &p,
	    &f) == -1)
		say(b, f.part, true, buf_cstr(&f.why));
	else if (p.warning.n > 0)
		say(b, p.warned_part, true, buf_cstr(&p.warning));
	pair_clear(&p);
	pair_fault_clear(&f);
}

static char *
path_of(const struct rs_image *im, uint32_t object, enum rs_option option)
{
	struct span	s = rs_option_text(im, object, option);

	return s.n == 0 ? NULL : xstrndup(s.p, s.n);
}

/* What is none to OpenSSL here would not be used. */
static void
look_at_ciphers(struct block *b, struct span text)
{
	char	*list, *said;

	if (text.n == 0)
		return;
	list = xstrndup(text.p, text.n);
	if (!tls_ciphers_known(list)) {
		said = xasprintf("ciphers \"%s\": OpenSSL here knows none of "
		    "them for TLS 1.2 (those of 1.3 are not chosen); the "
		    "server's own list would be used: leave 'ciphers' out, or "
		    "write one that 'openssl ciphers' takes", list);
		say(b, KEYS_CERTIFICATE, true, said);
		free(said);
	}
	free(list);
}

/* What it has to say. */
static size_t
end(struct block *b)
{
	for (unsigned i = 0; i < KEYS_NPARTS; i++) {
		if (b->octets[i].n > 0)
			explicit_bzero(b->octets[i].base, b->octets[i].cap);
		buf_clear(&b->octets[i]);
		free(b->paths[i]);
	}
	return b->warnings;
}

static size_t
look_block(const struct rs_image *im, uint32_t object, say_fn *cb, void *arg)
{
	struct block	b = { .say = cb, .arg = arg };

	b.paths[KEYS_CERTIFICATE] = path_of(im, object,
	    RS_OPT_TLS_certificate);
	b.paths[KEYS_KEY] = path_of(im, object, RS_OPT_TLS_key);
	b.paths[KEYS_STAPLE] = path_of(im, object, RS_OPT_TLS_staple);
	b.paths[KEYS_AUTHORITIES] = path_of(im, object,
	    RS_OPT_TLS_client_authorities);
	look(&b, pair_read, pair_look);
	look_at_ciphers(&b, rs_option_text(im, object, RS_OPT_TLS_ciphers));
	return end(&b);
}

/* By which other servers are verified. */
static size_t
look_authorities(char *path, say_fn *cb, void *arg)
{
	struct block		 b = { .say = cb, .arg = arg };
	struct tls_trust	*trust = NULL;
	const char		*why;
	char			*said;

	b.paths[KEYS_AUTHORITIES] = path;
	if (has_part(&b, KEYS_AUTHORITIES, TLS_AUTHORITIES_MAX)) {
		trust = tls_trust_new(buf_span(&b.octets[KEYS_AUTHORITIES]),
		    &why);
		if (trust == NULL) {
			said = xasprintf("no server would be verified by it, "
			    "and mail that wants that would wait: %s", why);
			say(&b, KEYS_AUTHORITIES, true, said);
			free(said);
		}
	}
	tls_trust_unref(&trust);
	return end(&b);
}

static char *
text_of(struct rs_value v)
{
	return v.type == RS_T_TEXT && v.s.n > 0 ? xstrndup(v.s.p, v.s.n) :
	    NULL;
}

/* Where a relay block names files of secrets. */
static const struct {
	enum rs_option	option;
	unsigned	place;
	const char	*before;	/* the path, in the constant */
} secrets[] = {
	{ RS_OPT_RELAY_auth,		1, "file:" },
	{ RS_OPT_RELAY_passwords,	0, "" },
	{ RS_OPT_RELAY_token_file,	0, "" },
	{ RS_OPT_RELAY_oauth_client,	1, "file:" },
	{ RS_OPT_RELAY_oauth_refresh,	0, "" },
};

/* NULL: this place names no file. */
static char *
secret_path(const struct rs_image *im, uint32_t object, size_t which)
{
	struct span			 before = span_of(secrets[which].before);
	const struct rs_optval		*v;
	struct rs_place			 pl;
	struct rs_value			 c;

	if (!rs_option(im, object, secrets[which].option, 0, &v) ||
	    secrets[which].place >= v->nplaces)
		return NULL;
	pl = rs_option_place(im, v, secrets[which].place);
	if (pl.is_func || pl.index == UINT32_MAX)
		return NULL;
	c = rs_const(im, pl.index);
	if (c.type != RS_T_TEXT || !span_prefix(c.s, before))
		return NULL;
	return xstrndup(c.s.p + before.n, c.s.n - before.n);
}

/* Whether it is there, has something, and is nobody else's to read. */
static size_t
look_secret(const char *path, say_fn *cb, void *arg)
{
	struct stat	 st;
	const char	*why = NULL;

	if (stat(path, &st) == -1) {
		cb(arg, path, false, strerror(errno));
		return 0;
	}
	if (!S_ISREG(st.st_mode))
		why = "not a plain file: there is no login with it";
	else if (st.st_size == 0)
		why = "the file is empty: there is no login with it";
	else if ((st.st_mode & S_IROTH) != 0)
		why = CMD_EXPOSED;
	if (why != NULL)
		cb(arg, path, true, why);
	return why != NULL;
}

static size_t
look_secrets(const struct rs_image *im, uint32_t object, say_fn *cb, void *arg)
{
	char	*path;
	size_t	 i, n = 0;

	for (i = 0; i < sizeof(secrets) / sizeof(secrets[0]); i++) {
		path = secret_path(im, object, i);
		if (path != NULL)
			n += look_secret(path, cb, arg);
		free(path);
	}
	return n;
}

/* What a relay block shows, whom it trusts, and its secrets. */
static size_t
look_relay(const struct rs_image *im, uint32_t object, say_fn *cb, void *arg)
{
	struct block			 b = { .say = cb, .arg = arg };
	const struct rs_optval		*v;

	if (rs_option(im, object, RS_OPT_RELAY_certificate, 0, &v) &&
	    v->nplaces >= 2) {
		b.paths[KEYS_CERTIFICATE] = text_of(rs_option_const(im, v, 0));
		b.paths[KEYS_KEY] = text_of(rs_option_const(im, v, 1));
	}
	look(&b, pair_read_client, NULL);
	return end(&b) + look_authorities(path_of(im, object,
	    RS_OPT_RELAY_authorities), cb, arg) +
	    look_secrets(im, object, cb, arg);
}

/* Those of the server, where they are; the default may be another system's. */
static size_t
look_server(const struct rs_image *im, say_fn *cb, void *arg)
{
	struct span	 file = rs_setting_text(im,
			    RS_OPT_SERVER_authorities);
	char		*path = xstrndup(file.p, file.n);

	if (access(path, F_OK) == 0)
		return look_authorities(path, cb, arg);
	free(path);
	return 0;
}

static size_t
each(const struct cf *cf, say_fn *cb, void *arg)
{
	struct span	 image = cf_image(cf);
	struct rs_image	*im;
	const char	*why;
	size_t		 n;

	im = image.n == 0 ? NULL : rs_image_open_mem(image.p, image.n, &why);
	if (im == NULL)
		return 0;
	n = look_server(im, cb, arg);
	for (uint32_t i = 0; i < rs_nobject(im); i++)
		if (rs_object(im, i)->kind == RS_O_TLS)
			n += look_block(im, i, cb, arg);
		else if (rs_object(im, i)->kind == RS_O_RELAY)
			n += look_relay(im, i, cb, arg);
	rs_image_free(&im);
	return n;
}

static void
print(void *arg, const char *file, bool warning, const char *text)
{
	(void)arg;
	fprintf(warning ? stderr : stdout, "%s: %s: %s\n", file,
	    warning ? "warning" : "note", text);
}

size_t
cmd_certificates_say(const struct cf *cf)
{
	return each(cf, print, NULL);
}

static void
add_json(void *arg, const char *file, bool warning, const char *text)
{
	json_object(arg, NULL);
	json_str(arg, "file", file);
	json_str(arg, "level", warning ? "warning" : "note");
	json_str(arg, "text", text);
	json_object_end(arg);
}

void
cmd_certificates_json(const struct cf *cf, struct json *j)
{
	json_array(j, "certificates");
	(void)each(cf, add_json, j);
	json_array_end(j);
}
