/*
 * listen.h - what option values must be beyond their form.
 */
#ifndef WB_CF_LISTEN_H
#define WB_CF_LISTEN_H

#include "cf/cf_int.h"

/* "address:port", "[address]:port", "*:port". */
struct cf_endpoint {
	bool		any;
	struct ip	ip;
	uint64_t	port;
};

bool	cf_endpoint_parse(struct span, struct cf_endpoint *);
void	cf_listener_check(struct cf *, struct cf_object *);
/* That the map of an `accounts` is one of kind accounts; NULL: not there. */
void	cf_accounts_check(struct cf *, const struct cf_set_opt *);
/* What an option of a listener is where nobody writes it: its kind says. */
const char	*cf_listen_default(struct cf *, const struct cf_object *, enum rs_option);
/* What is spoken there is this. */
bool	cf_listener_is(const struct cf_object *, const char *kind);
/* TLS comes first there. */
bool	cf_listener_begins_tls(const struct cf_object *);
/* door.c: what it offers, and to whom; prove_trusted() asks for its networks. */
void	cf_door_check(struct cf *, const struct cf_object *listener);
/* The set of extensions that an action `hide` names. */
uint32_t cf_extensions(struct cf *, const struct cf_target *);
/* srs.c: the block srs. */
void	cf_srs_check(struct cf *, struct cf_object *);
/* notify.c: the block notify, and when senders are told of a delay. */
void	cf_notify_check(struct cf *, struct cf_object *);
void	cf_warn_check(struct cf *, const struct cf_set_opt *);
/* reports.c: the block tls reports. */
void	cf_reports_check(struct cf *, const struct cf_object *);
/* secure.c: the blocks tls and auth. */
void	cf_tls_check(struct cf *, struct cf_object *);
void	cf_auth_check(struct cf *, const struct cf_object *);
bool	cf_asks_certificates(const struct cf *);
/* mechanism.c: mechanisms of AUTH, and what each needs. */
enum cf_needs {
	CF_NEEDS_PASSWORD, CF_NEEDS_BINDING, CF_NEEDS_TOKEN, CF_NEEDS_CERTIFICATE
};
struct cf_mechanism {
	const char	*word;
	enum cf_needs	 needs;
};
/* at_hop: for our own logins at next hops, where there is no `external`.  NULL: there is none. */
const struct cf_mechanism *cf_mechanism_named(struct span word, bool at_hop);
/* Likewise, and an error says so. */
const struct cf_mechanism *cf_mechanism(struct cf *, const struct cf_expr *, bool at_hop);
/* logins.c: how a relay block logs in. */
void	cf_relay_login_check(struct cf *, const struct cf_object *);
/* queue.c: the blocks `queue` and `queue for`. */
bool	cf_queue_is_of_hop(enum rs_option);	/* it may differ by destination */
/* The destinations of a `queue for`, by their kind. */
void	cf_queue_whom(struct cf *, struct cf_expr *, struct cf_exprs *domains, struct cf_exprs *relays);
void	cf_queue_check(struct cf *, const struct cf_object *);
/* As messages name a block: "relay 'hub'". */
const char	*cf_object_what(struct cf *, const struct cf_object *);	/* options.c */
/* map_options.c: the options of a table's driver, and its queries. */
bool	cf_map_takes(struct cf *, const struct cf_object *, enum rs_option);
void	cf_map_options_check(struct cf *, const struct cf_sym *);
/* programs.c: `listen programs`, which has no address; and what stands there alone. */
void	cf_programs_check(struct cf *, const struct cf_object *listener);
void	cf_programs_check_others(struct cf *, const struct cf_object *listener);
/* Values of one block: names, paths, ports; relative paths become absolute. */
void	cf_object_check(struct cf *, struct cf_object *);
/* All listeners and relays together: the same port twice, a relay to itself. */
void	cf_listen_check(struct cf *);

#endif
