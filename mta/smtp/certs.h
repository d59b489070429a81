/*
 * certs.h - TLS as a configuration has it: its certificates, by the process
 * that has their keys.
 */
#ifndef WB_MTA_SMTP_CERTS_H
#define WB_MTA_SMTP_CERTS_H

#include "base/tls.h"
#include "base/tls_sign.h"
#include "ruleset/image.h"

struct child_config;

/*
 * Of the image and the bundles that came with it (which stay the caller's).
 * NULL: there is no `tls` block, or none of its certificates can be used, which
 * is logged.
 */
struct tls_server	*certs_open(const struct rs_image *,
			    const struct child_config *,
			    const struct tls_signer *, struct tls_tickets *);

#endif
