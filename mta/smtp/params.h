/*
 * params.h - parameters of MAIL and RCPT: octets to a struct, no session in
 * sight.
 *
 *   MAIL  SIZE (RFC 1870), BODY (6152, 3030), SMTPUTF8 (6531), RET and ENVID
 *         (3461), BY (2852), REQUIRETLS (8689), AUTH (4954)
 *   RCPT  NOTIFY and ORCPT (3461; 6533)
 *
 * Strict: one blank or more before each, esmtp-keyword and esmtp-value as in
 * RFC 5321, 4.1.2, a parameter only where its extension is offered, once, and
 * its value by its own grammar.  What is written in xtext is decoded here, and
 * nowhere else (mail/xtext.h).
 */
#ifndef WB_MTA_SMTP_PARAMS_H
#define WB_MTA_SMTP_PARAMS_H

#include "ruleset/op.h"
#include "mta/spool/envelope.h"

/* EXT_BIT(SIZE): in sets of extensions. */
#define EXT_BIT(id)	RS_EXT_BIT(RS_EXT_##id)

/* What a command may have beside 512 octets (RFC 5321, 4.5.3.1.4). */
#define PARAMS_MAIL_OCTETS	(26 + 17 + 500 + 107 + 10 + 17 + 11)
#define PARAMS_RCPT_OCTETS	500

enum params_body {
	PARAMS_BODY_NONE, PARAMS_BODY_7BIT, PARAMS_BODY_8BITMIME,
	PARAMS_BODY_BINARYMIME
};

enum params_ret { PARAMS_RET_NONE, PARAMS_RET_FULL, PARAMS_RET_HDRS };

enum params_by { PARAMS_BY_NONE, PARAMS_BY_NOTIFY, PARAMS_BY_RETURN };

/* Spans lie in the arena. */
struct smtp_params {
	bool			has_size;
	uint64_t		size;		/* octets; UINT64_MAX: more than fits */
	enum params_body	body;
	bool			smtputf8;
	bool			requiretls;
	enum params_ret		ret;
	struct span		envid;		/* decoded; printable; empty: none */
	enum params_by		by;		/* mode N or R */
	bool			by_trace;	/* T */
	int32_t			by_s;		/* seconds from now; N: also past */
	bool			has_auth;
	struct span		auth;		/* decoded: a mailbox, or "<>"; not to be trusted */
	struct envelope_param	rcpt;		/* NOTIFY and ORCPT */
	unsigned		given;		/* which have been seen */
};

enum params_for { PARAMS_MAIL, PARAMS_RCPT };

/* Where the parameters stand. */
struct params_place {
	enum params_for	 command;
	uint32_t	 offered;	/* RS_EXT_BIT() of what is offered just now; 0 after HELO */
	bool		 utf8;		/* RCPT: the transaction has SMTPUTF8 */
	struct arena	*arena;
};

enum params_result {
	PARAMS_OK,
	PARAMS_VALUE,	/* 501 5.5.4: its value, or its syntax */
	PARAMS_TWICE,	/* 501 5.5.4 */
	PARAMS_UNKNOWN,	/* 555 5.5.4; RFC 5321, 4.1.1.11 */
	PARAMS_TLS	/* 530 5.7.0: REQUIRETLS outside TLS, which is offered */
};

/*
 * All of in: what follows the path, blanks first.  out is written whole. *why is
 * static, for the reply's text.
 */
enum params_result params_parse(struct span in, const struct params_place *,
	    struct smtp_params *out, const char **why);

#endif
