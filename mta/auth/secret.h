/*
 * secret.h - is this the password of a secret, and what secret is made of it.
 *
 * Comparisons take as long for a wrong password as for the right one; what
 * was computed is wiped.  May run on any thread.
 */
#ifndef WB_MTA_AUTH_SECRET_H
#define WB_MTA_AUTH_SECRET_H

#include "base/buf.h"
#include "maps/account.h"
#include "mta/msg/auth.h"

#define SECRET_PASSWORD_MAX	512	/* octets; crypt(3) takes no more */

/* CANNOT: this libcrypt does not know the method. */
enum auth_result secret_verify(enum account_scheme, struct span text, struct span password);
/* Takes as long as the secrets that we make: for users who are not there. */
void		 secret_verify_nobody(struct span password);

/* Why a password cannot be one (static), or NULL. */
const char	*secret_password_fault(struct span password);
/*
 * Appends "{SCHEME}text".  random: the password is of ours, of 120 bits, so
 * that a slow hash would protect nothing.  like: a SCRAM secret with whose salt
 * and iterations another one is made, or NULL.  0, or -1 with *why (static): a
 * scheme that is only read, or that libcrypt does not know.
 */
int		 secret_make(enum account_scheme, struct span password, bool random, const struct account_scram *like, struct buf *out, const char **why);
/* A new password for a program: letters, digits and '-'; NUL-terminated. */
#define SECRET_RANDOM_SIZE	30
void		 secret_random(char out[SECRET_RANDOM_SIZE]);

/* The octets of a base64 whose form is right; 0: too many. */
#define SECRET_DECODED_MAX	1024	/* octets of base64; the table's forms have fewer */
size_t		 secret_decode(struct span, uint8_t out[SECRET_DECODED_MAX]);

/* buf_clear() for one that holds a secret. */
void		 secret_buf_clear(struct buf *);

#endif
