/*
 * main.c - the credentials process: logins at next hops; the only one that has
 * their passwords, tokens and secrets.
 *
 * User waybill-credentials, empty chroot, no root.  Has: the files of secrets
 * that the policy's relay blocks name, in memory; the folder `credentials` of
 * the spool, where refresh tokens are kept; the tables that the policy's
 * expressions ask; channels to relay, lookup, the spawner (token commands) and
 * the fetch process that talks to endpoints of tokens alone.  What a hop says
 * comes as challenges of SASL, what an endpoint says as JSON.  An intruder
 * would have all these secrets; he sees no mail, no net, and no other file.
 *
 * Memory that is freed is overwritten, whoever frees it (GNU SASL, jansson).
 */
#include "config.h"

#include <sys/prctl.h>

#include <inttypes.h>
#include <malloc.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/confine.h"
#include "base/log.h"
#include "mta/child/child.h"
#include "mta/child/folder.h"
#include "mta/policy/policy.h"

#include "mta/credentials/commands.h"
#include "mta/credentials/kept.h"
#include "mta/credentials/logins.h"

#define USER		"waybill-credentials"
#define FREED		0xdb	/* what freed memory is filled with */

struct credentials {
	struct logins		*logins;
	struct tokens		*tokens;
	struct commands		*commands;
	struct http_client	*http;
	struct lookup_client	*lookup;
};

/* --- configuration */

static bool
wants_policy(const struct sources *s)
{
	size_t	i;

	for (i = 0; i < s->n; i++)
		if (s->v[i]->kind == SOURCE_EXPRESSION)
			return true;
	return false;
}

static struct policy *
open_policy(struct credentials *c, struct child_config *cfg)
{
	int			 none = -1;
	struct policy_source	 src = {
		.image_fd = cfg->image_fd, .file_fds = &none,
		.index_fds = cfg->table_fds != NULL ? cfg->table_fds : &none,
		.nindexes = cfg->ntables,
		.lookup = policy_lookup_by(c->lookup),
		.generation = cfg->generation, .quiet = true
	};
	struct policy		*p;
	const char		*why;

	if ((p = policy_open(&src, &why)) == NULL)
		log_warnx("event=config generation=%u why=%s",
		    cfg->generation, log_quote(span_of(why)));
	return p;
}

static bool
on_config(struct child_config *cfg, void *arg)
{
	struct credentials	*c = arg;
	struct sources		 sources;
	struct policy		*policy = NULL;
	struct rs_image		*im;
	const char		*why;

	if ((im = rs_image_open_settings(cfg->image_fd, &why)) == NULL) {
		log_warnx("event=config generation=%u why=\"%s\"",
		    cfg->generation, why);
		return false;
	}
	sources_read(&sources, im, cfg);
	rs_image_free(&im);
	if (wants_policy(&sources) &&
	    (policy = open_policy(c, cfg)) == NULL) {
		sources_clear(&sources);
		return false;
	}
	logins_renew(c->logins, &sources, policy);
	return true;
}

static void
on_peer(enum proc proc, uint32_t instance, int fd, void *arg)
{
	struct credentials	*c = arg;

	(void)instance;
	if (proc == PROC_RELAY)
		logins_attach(c->logins, fd);
	else if (proc == PROC_FETCH)
		http_client_attach(c->http, fd);
	else if (proc == PROC_LOOKUP)
		lookup_client_attach(c->lookup, fd);
	else if (proc == PROC_SPAWNER)
		commands_attach(c->commands, fd);
	else
		close(fd);
}

static void
on_stats(struct buf *out, void *arg)
{
	const struct credentials	*c = arg;
	const struct logins_counts	*n = logins_counts(c->logins);

	buf_addf(out, "\"logins\":%" PRIu64 ",\"good\":%" PRIu64
	    ",\"refused\":%" PRIu64 ",\"later\":%" PRIu64 ",\"unfit\":%"
	    PRIu64 ",\"open\":%zu,\"tokens\":%zu", n->begun, n->good,
	    n->refused, n->later, n->unfit, n->open,
	    tokens_count(c->tokens));
}

/* --- what tokens ask */

static uint64_t
ask_http(void *ctx, const struct http_question *q, http_cb *cb, void *arg)
{
	struct credentials	*c = ctx;

	return http_client_ask(c->http, q, cb, arg);
}

static void
run_command(void *ctx, const struct source *s, struct span login,
    token_run_cb *cb, void *arg)
{
	struct credentials	*c = ctx;

	commands_run(c->commands, s, login, cb, arg);
}

static void
make(struct credentials *c, int folder)
{
	const struct tokens_how	how = {
		.now_ms = clock_boot_ms, .http = ask_http,
		.run = run_command, .ctx = c, .folder = folder
	};

	c->http = http_client_new(true);
	c->lookup = lookup_client_new();
	c->commands = commands_new();
	c->tokens = tokens_new(&how);
	c->logins = logins_new(c->tokens);
}

int
main(int argc, char **argv)
{
	static const struct child_ops	 ops = {
		.config = on_config, .peer = on_peer, .stats = on_stats
	};
	static struct credentials	 c;
	int				 folder;

	(void)mallopt(M_PERTURB, FREED);
	child_open(PROC_CREDENTIALS, argc, argv, &ops, &c);
	if (child_option("spool") == NULL)
		fatalx("--spool DIR is missing");
	folder = child_folder(child_option("spool"), "credentials", USER);
	confine_drop(USER, child_option("chroot"));
	(void)confine_descriptors(1024);
	confine_sandbox(CONFINE_OPEN);
#ifndef WAYBILL_SANITIZED
	(void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);	/* no ptrace either */
#endif
	make(&c, folder);
	child_run();
	logins_free(&c.logins);
	http_client_free(&c.http);
	commands_free(&c.commands);
	tokens_free(&c.tokens);
	lookup_client_free(&c.lookup);
	return 0;
}
