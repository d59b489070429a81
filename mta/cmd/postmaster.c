/*
 * postmaster.c - whether anybody gets the mail to <postmaster>.
 *
 * RFC 5321, 4.5.1 wants him at every server.  The running server takes such
 * mail whatever the rules say, when it reaches somebody; that somebody is
 * there can only be seen with the tables, hence here and not in the compiler.
 */
#include "config.h"

#include "mta/cmd/cmd.h"
#include "mta/cmd/play.h"

/* A stranger writes to him; one outside of every network that grants. */
static bool
is_refused(struct policy *p)
{
	struct arena		 arena = { 0 };
	struct policy_facts	 f = { .rcpt = SPAN("postmaster") };
	struct decision		*d;
	bool			 refused;

	if (rs_hook(policy_image(p), RS_HOOK_RCPT) == UINT32_MAX)
		return false;	/* everybody is: the compiler has said so */
	f.rcpt_at = f.rcpt.n;
	f.listener = SPAN("smtp");
	(void)ip_parse(SPAN("203.0.113.1"), &f.client_ip);
	f.tags = policy_tags_new(p, &arena);
	d = policy_decide(p, RS_HOOK_RCPT, &f, NULL, NULL, NULL);
	refused = decision_done(d) &&
	    decision_verdict(d)->kind == RS_V_REJECT;
	decision_free(&d);
	arena_clear(&arena);
	return refused;
}

bool
cmd_postmaster_refused(const struct cf *cf)
{
	struct fakedns		 dns = { .n = 0 };
	struct policy_source	 src = { .image_mem = cf_image(cf),
	    .dns = fakedns_policy(&dns), .quiet = true };
	struct policy		*p;
	const char		*why;
	bool			 refused = false;

	if (src.image_mem.n > 0 && (p = policy_open(&src, &why)) != NULL) {
		refused = is_refused(p);
		policy_unref(&p);
	}
	fakedns_clear(&dns);
	return refused;
}
