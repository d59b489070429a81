/*
 * params.h - parameters of MAIL and RCPT: SIZE= (RFC 1870), BODY= (RFC 6152).
 *
 * Strict: one blank or more before each, esmtp-keyword and esmtp-value as in
 * RFC 5321, 4.1.2; unknown ones and those given twice are refused.
 */
#ifndef WB_MTA_SMTP_PARAMS_H
#define WB_MTA_SMTP_PARAMS_H

#include "base/span.h"

enum params_body { PARAMS_BODY_NONE, PARAMS_BODY_7BIT, PARAMS_BODY_8BITMIME };

struct smtp_params {
	bool			has_size;
	uint64_t		size;	/* octets; UINT64_MAX: more than fits */
	enum params_body	body;
};

enum params_for { PARAMS_MAIL, PARAMS_RCPT };

enum params_result {
	PARAMS_OK,
	PARAMS_VALUE,	/* 501 5.5.4: its value, or its syntax */
	PARAMS_TWICE,	/* 501 5.5.4 */
	PARAMS_UNKNOWN	/* 555 5.5.4; RFC 5321, 4.1.1.11 */
};

/* All of in: what follows the path, blanks first.  out is written whole. */
enum params_result params_parse(struct span in, enum params_for,
	    struct smtp_params *out, const char **why);

#endif
